"""Files of a Target by the core's operations alone: what a path names, small texts.

A Target need only execute Jobs for it; ``native.run_job`` does so for this machine.
"""

from collections.abc import Callable, Mapping, Sequence

from loadstone.core.explain import describe
from loadstone.errors import TargetError, TargetLostError
from loadstone.model import CoreError, Job, Noun, Outcome

Execute = Callable[[Job], Outcome]

_REPLACED = "\N{REPLACEMENT CHARACTER}"
_LOST_REMEDY = "see that it has power and is connected"


class FileStat(Noun, frozen=True, kw_only=True):
    """What a path names, links followed.

    ``type`` is the S_IFMT of its mode; ``device`` what it lies on and ``rdev`` what it is, each
    major and minor; ``free_bytes`` is what a user without privileges may still write there.
    ``readable`` is the errno that opening a regular file for reading meets, 0 for none.
    ``is_text`` says that the real path is UTF-8, so that it can be printed and opened again.
    """

    real_path: str
    is_text: bool
    type: int
    file_bytes: int
    allocated_bytes: int
    inode: int
    mtime_ns: int
    device: tuple[int, int]
    rdev: tuple[int, int]
    free_bytes: int
    readable: int


def stat_file(execute: Execute, path: str) -> FileStat | CoreError:
    """What a path names, or why that cannot be read.

    Raises:
        TargetError: the Job's process died, or the Target is gone.
    """
    outcome = _execute(
        execute, Job(operation="stat", options={"file": path}, samples=(path,), timeout_s=60)
    )
    if outcome.error:
        return outcome.error
    values, real_path = outcome.values, _text_of(outcome)
    return FileStat(
        real_path=real_path,
        is_text=_REPLACED not in real_path or _REPLACED in path,
        type=values["type"],
        file_bytes=values["file_bytes"],
        allocated_bytes=values["allocated_bytes"],
        inode=values["inode"],
        mtime_ns=values["mtime_ns"],
        device=(values["device_major"], values["device_minor"]),
        rdev=(values["rdev_major"], values["rdev_minor"]),
        free_bytes=values["free_bytes"],
        readable=-values.get("readable", 0),
    )


def require_file(execute: Execute, path: str) -> FileStat:
    """What a path names that has to exist.

    Raises:
        TargetError: it names nothing, or the Target is gone.
    """
    seen = stat_file(execute, path)
    if isinstance(seen, CoreError):
        raise TargetError(describe(seen), remedy="name a path that exists there")
    return seen


def read_text(execute: Execute, path: str) -> str | CoreError:
    """A small file's text, or why it cannot be read; bytes that are not UTF-8 become U+FFFD.

    Raises:
        TargetError: the Job's process died, or the Target is gone.
    """
    parts, offset = list[str](), 0
    while True:
        options = {"file": path, "offset": str(offset)}
        outcome = _execute(
            execute, Job(operation="read-text", options=options, samples=(path,), timeout_s=60)
        )
        if outcome.error:
            return outcome.error
        parts.append(_text_of(outcome))
        offset += outcome.values["bytes"]
        if outcome.values["is_end"]:
            return "".join(parts)


def list_directories(execute: Execute, paths: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """What lies in directories: names, and what each is without links; ``.`` is the directory.

    Those that cannot be listed are left out. One round trip.

    Raises:
        TargetError: the Job's process died, or the Target is gone.
    """
    job = Job(operation="list-directories", options={}, samples=tuple(paths), timeout_s=60)
    outcome = _execute(execute, job)
    found: dict[str, Mapping[str, str]] = {}
    for path, text in zip(paths, outcome.before.values(), strict=False):
        pairs = (line.partition(" /") for line in text.splitlines())
        if entries := {name: f"/{real}" for name, slash, real in sorted(pairs) if slash}:
            found[path] = entries
    return found


def list_names(execute: Execute, path: str) -> list[str]:
    """The names in a directory, in order; empty where it cannot be listed.

    Raises:
        TargetError: the Job's process died, or the Target is gone.
    """
    return [name for name in list_directories(execute, [path]).get(path, {}) if name != "."]


def write_text(execute: Execute, path: str, text: str) -> None:
    """Write to a small file of the kernel; the core refuses any other.

    Raises:
        TargetError: it cannot be written, or the Target is gone.
    """
    job = Job(operation="write-text", options={"file": path, "text": text}, timeout_s=60)
    outcome = _execute(execute, job)
    if outcome.error:
        raise TargetError(
            describe(outcome.error),
            remedy="see who may write to it; most settings of the kernel are root's",
        )


def remove_file(execute: Execute, path: str) -> None:
    """Remove a regular file named ``loadstone-…``; one that is already gone is fine.

    Raises:
        TargetError: it is not one, cannot be removed, or the Target is gone.
    """
    outcome = _execute(execute, Job(operation="remove-file", options={"file": path}))
    if outcome.error:
        raise TargetError(describe(outcome.error), remedy="remove it by hand")


def _text_of(outcome: Outcome) -> str:
    """The text of the only sample, by whatever path: an agent may spell it differently."""
    return "".join(outcome.before.values())


def _execute(execute: Execute, job: Job) -> Outcome:
    outcome = execute(job)
    if outcome.target_lost:
        raise TargetLostError(str(outcome.crash), remedy=_LOST_REMEDY)
    if outcome.crash:
        raise TargetError(
            f"{job.operation}: {outcome.crash}", remedy="see the kernel's log (dmesg) there"
        )
    return outcome
