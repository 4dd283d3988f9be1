"""Runs on disk: one directory each, holding a manifest and one synced line per Trial."""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from loadstone.durable import (
    UNDECODABLE,
    cannot_write,
    decode,
    encode,
    sync_directory,
    write_atomically,
)
from loadstone.errors import RunError, system_words
from loadstone.model import SCHEMA_VERSION, Environment, Manifest, Metric, Plan, Run, Trial

MANIFEST = "manifest.json"
TRIALS = "trials.jsonl"

STAMP = "%Y%m%dT%H%M%SZ"
_LIMIT_BYTES = 64 << 20
_NAME_A_RUN = "name a Run by its directory, its id, or `last`"


class _Head(msgspec.Struct):
    """What a manifest of any version has."""

    schema: int


class RunWriter:
    """Appends Trials to one Run, which it keeps locked until it is closed.

    Raises:
        RunError: another process holds the Run, or it cannot be opened for writing.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._trials = path / TRIALS
        self._end_bytes = 0
        # O_NOFOLLOW: a Run from elsewhere must not make us cut a file outside of it.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._fd = os.open(self._trials, flags, 0o644)
        except OSError as error:
            raise cannot_write(self._trials, error) from error
        self._lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unlock and close the Run; a second time does nothing."""
        if self._fd >= 0:
            # Closing alone would leave the lock with a child that was forked meanwhile.
            with contextlib.suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = -1

    def append(self, trial: Trial) -> None:
        """Keep a Trial: its line is on the disk when this returns.

        Raises:
            RunError: it could not be written, and nothing of it stays; or it could not be read
                back (a figure that is not a number, text that is not Unicode).
        """
        line = encode(trial, self._trials) + b"\n"
        try:
            os.ftruncate(self._fd, self._end_bytes)
            _write_whole(self._fd, line, self._end_bytes)
            os.fsync(self._fd)
        except OSError as error:
            # Where this fails too, `load` and the next append pass over the torn line.
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._end_bytes)
            raise cannot_write(self._trials, error) from error
        self._end_bytes += len(line)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            if error.errno != errno.EWOULDBLOCK:
                raise cannot_write(self._trials, error) from error
            raise RunError(
                f"{self.path} is being written by another loadstone",
                remedy="wait until that one has ended",
            ) from None

    def _resume_from(self, run: Run) -> None:
        trials, self._end_bytes = _read_trials(self._trials, run.manifest)
        if trials != run.trials:
            raise RunError(f"{self.path} has changed since it was read", remedy="resume it again")
        try:
            os.ftruncate(self._fd, self._end_bytes)
        except OSError as error:
            raise cannot_write(self._trials, error) from error


def create(
    results: Path,
    *,
    plan: Plan,
    metrics: tuple[Metric, ...],
    environment: Environment,
    loadstone: str,
    core: str,
) -> RunWriter:
    """Start a Run under ``results``; its manifest is on the disk when this returns.

    Args:
        loadstone: the program's version.
        core: the hash of the native core's source.

    Raises:
        RunError: the directory cannot be made or written; nothing of it stays.
    """
    created = datetime.now(UTC)
    path = _make_directory(results / "runs", created, environment.target, plan.name)
    manifest = Manifest(
        schema=SCHEMA_VERSION,
        id=path.name,
        created=created.isoformat(timespec="milliseconds"),
        plan=plan,
        metrics=metrics,
        environment=environment,
        loadstone=loadstone,
        core=core,
    )
    with contextlib.ExitStack() as undo:
        undo.callback(_discard, path)
        # Locked before the manifest makes it a Run, so that nobody resumes it in between.
        writer = undo.enter_context(RunWriter(path, manifest))
        write_atomically(path / MANIFEST, msgspec.json.format(encode(manifest, path), indent=2))
        undo.pop_all()
    return writer


def reopen(run: Run) -> RunWriter:
    """Open a Run to append Trials; a torn last line is cut off.

    Raises:
        RunError: another process is writing it, it has changed since ``run`` was loaded, or it
            cannot be written.
    """
    _require_file(run.path / TRIALS)
    with contextlib.ExitStack() as undo:
        writer = undo.enter_context(RunWriter(run.path, run.manifest))
        writer._resume_from(run)
        undo.pop_all()
    return writer


def load(path: Path) -> Run:
    """Read a Run; a last line that a kill or a full disk has torn is left out.

    Raises:
        RunError: it is not a Run, a newer loadstone made it, or it is damaged elsewhere.
    """
    manifest = _read_manifest(path / MANIFEST)
    trials, _ = _read_trials(path / TRIALS, manifest)
    return Run(manifest=manifest, trials=trials, path=path.absolute())


def cannot_read(path: Path, error: OSError) -> RunError:
    """What to raise where reading a Run failed."""
    words = system_words(error.errno or 0)
    return RunError(f"cannot read {path}: {words}", remedy="make it readable or name another Run")


def _make_directory(runs: Path, created: datetime, target: str, plan: str) -> Path:
    names = (re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:64] for name in (target, plan))
    stem = "-".join((created.strftime(STAMP), *names))
    try:
        runs.mkdir(parents=True, exist_ok=True)
        sync_directory(runs.parent)
        while True:
            path = runs / f"{stem}-{secrets.token_hex(2)}"
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                sync_directory(runs)
                return path
    except OSError as error:
        raise cannot_write(runs, error) from error


def _discard(path: Path) -> None:
    with contextlib.suppress(OSError):
        for name in (MANIFEST, TRIALS):
            (path / name).unlink(missing_ok=True)
        path.rmdir()


def _write_whole(fd: int, data: bytes, offset_bytes: int) -> None:
    rest = memoryview(data)
    while rest:
        written_bytes = os.pwrite(fd, rest, offset_bytes)
        offset_bytes += written_bytes
        rest = rest[written_bytes:]


def _read_manifest(path: Path) -> Manifest:
    with _open(path) as stream:
        data = stream.read(_LIMIT_BYTES)
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


def _read_trials(path: Path, manifest: Manifest) -> tuple[tuple[Trial, ...], int]:
    """The Trials, and the offset in bytes where the last whole line ends."""
    cases = {case.id for case in manifest.plan.cases}
    trials: list[Trial] = []
    end_bytes = 0
    with _open(path) as stream:
        while line := stream.readline(_LIMIT_BYTES):
            is_last = not stream.peek(1)
            trial = _read_trial(line, is_last, f"{path}:{len(trials) + 1}")
            if trial is None:
                break
            if trial.case not in cases:
                raise _damaged(f"{path}:{len(trials) + 1}", "its Case is not in the plan")
            trials.append(trial)
            end_bytes += len(line)
    return tuple(trials), end_bytes


def _read_trial(line: bytes, is_last: bool, at: str) -> Trial | None:
    """One Trial, or None for a last line that is torn: without its end, or no JSON at all."""
    is_whole = line.endswith(b"\n")
    if is_last and not is_whole:
        return None
    try:
        return decode(line, Trial)
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
    _require_file(path)
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise cannot_read(path, error) from error


def _require_file(path: Path) -> None:
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
