"""Making, resuming and loading Runs: one directory each, every Trial on the disk when it ends."""

import contextlib
import errno
import fcntl
import os
import re
import secrets
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from loadstone.durable import (
    cannot_write,
    encode,
    sync_directory,
    write_atomically,
)
from loadstone.errors import RunError
from loadstone.model import SCHEMA_VERSION, Environment, Manifest, Metric, Plan, Run, Trial
from loadstone.runs.moment import now
from loadstone.runs.numbering import numbering
from loadstone.runs.run_files import (
    MANIFEST,
    TRIALS,
    decode_figures,
    read_manifest,
    read_trials,
    require_file,
)

STAMP = "%Y%m%dT%H%M%SZ"


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
        trials, self._end_bytes = read_trials(self._trials, run.manifest)
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
    runs = _made_directory(results / "runs")
    with numbering(runs) as (series, sequence), contextlib.ExitStack() as undo:
        begun = now()
        path = _make_directory(runs, begun.clock, environment.target, plan.name)
        undo.callback(discard, path)
        manifest = Manifest(
            schema=SCHEMA_VERSION,
            id=path.name,
            created=begun.clock_text,
            plan=plan,
            metrics=metrics,
            environment=environment,
            loadstone=loadstone,
            core=core,
            sequence=sequence,
            series=series,
            boot="" if environment.is_imported else begun.boot,
            boottime_ns=0 if environment.is_imported else begun.boottime_ns,
        )
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
    require_file(run.path / TRIALS)
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
    manifest = read_manifest(path / MANIFEST)
    trials, _ = read_trials(path / TRIALS, manifest)
    return Run(manifest=manifest, trials=trials, path=path.absolute())


def load_figures(path: Path) -> Run:
    """Read a Run without what its Trials have besides status, reason and metrics.

    Raises:
        RunError: as for ``load``.
    """
    manifest = read_manifest(path / MANIFEST)
    trials, _ = read_trials(path / TRIALS, manifest, decode_figures)
    return Run(manifest=manifest, trials=trials, path=path.absolute())


def _made_directory(runs: Path) -> Path:
    try:
        runs.mkdir(parents=True, exist_ok=True)
        sync_directory(runs.parent)
    except OSError as error:
        raise cannot_write(runs, error) from error
    return runs


def _make_directory(runs: Path, created: datetime, target: str, plan: str) -> Path:
    names = (re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:64] for name in (target, plan))
    stem = "-".join((created.strftime(STAMP), *names))
    try:
        while True:
            path = runs / f"{stem}-{secrets.token_hex(2)}"
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                sync_directory(runs)
                return path
    except OSError as error:
        raise cannot_write(runs, error) from error


def discard(path: Path) -> None:
    """Remove a Run that was not begun, or not imported, to its end."""
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
