"""The files of a Run: a manifest, and a line for each Trial; how they are read and checked."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path

import msgspec

from loadstone.analysis.chronology import Beginning
from loadstone.durable import UNDECODABLE, decode
from loadstone.errors import RunError, system_words
from loadstone.model import SCHEMA_VERSION, Manifest, Status, Trial

MANIFEST = "manifest.json"
TRIALS = "trials.jsonl"

_LIMIT_BYTES = 64 << 20
_MOST_RUNS = 10**9
_NAME_A_RUN = "name a Run by its directory, its id, or `last`"


class _Head(msgspec.Struct):
    """What a manifest of any version has."""

    schema: int


class _FiguresOnly(msgspec.Struct):
    """Of a Trial what its metrics are known by: a tenth of the work of reading all of it."""

    case: str
    round: int
    warmup: bool
    started: str
    status: Status
    reason: str | None = None
    metrics: Mapping[str, float] = {}

    def as_trial(self) -> Trial:
        return Trial(
            case=self.case,
            round=self.round,
            warmup=self.warmup,
            started=self.started,
            status=self.status,
            reason=self.reason,
            metrics=self.metrics,
        )


def read_manifest(path: Path) -> Manifest:
    """The manifest of a Run.

    Raises:
        RunError: it is not one, or a newer loadstone made it.
    """
    with _open(path) as stream:
        # A read of the limit would take that much memory, whatever the file's size.
        data = stream.read(min(_LIMIT_BYTES, os.fstat(stream.fileno()).st_size))
    try:
        schema = decode(data, _Head).schema
        if schema > SCHEMA_VERSION:
            raise RunError(
                f"{path.parent} was made by a newer loadstone (schema {schema}, this one reads "
                f"{SCHEMA_VERSION})",
                remedy="update loadstone",
            )
        if schema < SCHEMA_VERSION:
            raise RunError(
                f"{path.parent} is not a Run: {path} has the schema {schema}", remedy=_NAME_A_RUN
            )
        return decode(data, Manifest)
    except UNDECODABLE as error:
        raise RunError(
            f"{path.parent} is not a Run: {path}: {error}", remedy=_NAME_A_RUN
        ) from error


def read_beginning(path: Path) -> Beginning:
    """What a manifest says of when its Run was begun; nothing where it is none.

    Raises:
        FileNotFoundError, NotADirectoryError: it is not there.
        PermissionError: it may not be read.
        RunError: it could not be read for another reason.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LIMIT_BYTES:
            return Beginning()
        return _plausible(msgspec.json.decode(path.read_bytes(), type=Beginning))
    except UNDECODABLE:
        return Beginning()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        raise
    except OSError as error:
        raise cannot_read(path, error) from error


def _plausible(found: Beginning) -> Beginning:
    """Without a number that nobody can have counted up to."""
    if 0 <= found.sequence <= _MOST_RUNS:
        return found
    return Beginning(created=found.created, boot=found.boot, boottime_ns=found.boottime_ns)


def decode_trial(line: bytes) -> Trial:
    """All of a Trial; what it may raise is ``UNDECODABLE``."""
    return decode(line, Trial)


def decode_figures(line: bytes) -> Trial:
    """A Trial without evidence, spans, latencies, notes and remedy; for who reads many Runs."""
    return decode(line, _FiguresOnly).as_trial()


def read_trials(
    path: Path, manifest: Manifest, decode_line: Callable[[bytes], Trial] = decode_trial
) -> tuple[tuple[Trial, ...], int]:
    """The Trials of a Run, and the offset in bytes where the last whole line ends.

    Args:
        decode_line: ``decode_trial`` or ``decode_figures``.

    Raises:
        RunError: a line but a torn last one is damaged.
    """
    cases = {case.id for case in manifest.plan.cases}
    trials: list[Trial] = []
    end_bytes = 0
    with _open(path) as stream:
        while line := stream.readline(_LIMIT_BYTES):
            is_last = not stream.peek(1)
            trial = _read_trial(line, is_last, f"{path}:{len(trials) + 1}", decode_line)
            if trial is None:
                break
            if trial.case not in cases:
                raise _damaged(f"{path}:{len(trials) + 1}", "its Case is not in the plan")
            trials.append(trial)
            end_bytes += len(line)
    return tuple(trials), end_bytes


def _read_trial(
    line: bytes, is_last: bool, at: str, decode_line: Callable[[bytes], Trial]
) -> Trial | None:
    """One Trial, or None for a last line that is torn: without its end, or no JSON at all."""
    is_whole = line.endswith(b"\n")
    if is_last and not is_whole:
        return None
    try:
        return decode_line(line)
    except UNDECODABLE as error:
        if is_last and not _is_json(line):
            return None
        raise _damaged(at, str(error)) from error


def _damaged(at: str, what: str) -> RunError:
    return RunError(
        f"{at}: the Run is damaged: {what}", remedy="restore it from a copy, or measure again"
    )


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return False
    return True


@contextlib.contextmanager
def _open(path: Path) -> Iterator[BufferedReader]:
    require_file(path)
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise cannot_read(path, error) from error


def require_file(path: Path) -> None:
    """Refuse a Run that lacks a file.

    Raises:
        RunError: it is not there, or is not a regular file.
    """
    require_directory(path.parent)
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        is_file = False
    except OSError as error:
        raise cannot_read(path, error) from error
    if not is_file:
        raise RunError(
            f"{path.parent} is not a Run: it has no file {path.name}", remedy=_NAME_A_RUN
        )


def require_directory(path: Path) -> Path:
    """The same path, which is a directory that can be read.

    Raises:
        RunError: it is not.
    """
    try:
        os.scandir(path).close()
    except OSError as error:
        raise cannot_read(path, error) from error
    return path


def cannot_read(path: Path, error: OSError) -> RunError:
    """What to raise where reading a Run failed."""
    words = system_words(error.errno or 0)
    return RunError(f"cannot read {path}: {words}", remedy="make it readable or name another Run")
