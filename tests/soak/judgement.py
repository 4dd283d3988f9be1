"""What is right when a system call fails: the same by other means, or an error with a name."""

import errno
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from loadstone.model import Job
from soak.broken_calls import Call, Failure, Result, Tracer
from soak.stage import Files, Stage

# What differs from one time to the next, as anybody may drop the page cache or take a loop device,
# and as the kernel counts resident pages a batch at a time for each CPU.
_UNSTEADY = re.compile(
    r".*_ns|(minor|major)_faults|(in)?voluntary_switches|(free|used)_bytes"
    r"|(first_)?cached_.*|minor"
    r"|(resident|peak)_memory_bytes|pressure_(resident_bytes|sweeps)"
    r"|(traced_)?folio(s|_mean_bytes|_order_\d+_bytes)"
)
# Known by other means where the first is refused: alignment by reading, a file dropped alone.
_BY_OTHER_MEANS = {"direct_align_bytes", "drop_caches"}
_MOST_ERRNO = 4095


class Break(NamedTuple):
    """A call of a Job's, where it is made, and the error that it fails with."""

    job: Job
    call: Call
    error: str
    where: str

    def __str__(self) -> str:
        options = " ".join(f"{key}={value}" for key, value in self.job.options.items())
        what = f"{self.call.name} number {self.call.number} of {self.job.operation} {options}"
        return f"{self.error} of {what}, in {self.where}"


class Undisturbed(NamedTuple):
    """What comes of a Job when nothing is broken; of its values those that are always the same."""

    failure: Failure | None
    values: dict[str, int]
    files: Files


def undisturbed(tracer: Tracer, stage: Stage, job: Job) -> Undisturbed:
    """Carry a Job out twice."""
    first = tracer.run(job)
    stage.reset()
    second = tracer.run(job)
    files = stage.files()
    stage.reset()
    values = {
        name: value
        for name, value in first.values.items()
        if second.values.get(name) == value and not _UNSTEADY.fullmatch(name)
    }
    return Undisturbed(second.failure, values, files)


def judge(
    one: Break, result: Result, expected: Undisturbed, stage: Stage, figures: Counter[str]
) -> str | None:
    """What is wrong with what came of it, if anything is."""
    if not result.was_broken:
        figures["calls that were not made this time"] += 1
        return None
    figures["calls that failed"] += 1
    if result.code != 0 or result.answer is None:
        return f"the program ended with {result.code}: {result.said}"
    if result.failure is None:
        figures["made up for by other means"] += 1
        return _wrong_in_success(one, result, expected, stage)
    figures["errors with step, path and code"] += 1
    return _wrong_in_failure(one, result.failure, expected, stage)


def _wrong_in_success(
    one: Break, result: Result, expected: Undisturbed, stage: Stage
) -> str | None:
    # What is said to be gone already is taken for removed.
    is_gone = _is_removal(one.job) and one.error in ("ENOENT", "ENOTDIR")
    if expected.failure and not is_gone:
        return f"it succeeds, and undisturbed is {expected.failure}"
    changed = stage.changed(expected.files)
    if one.call.name == "unlink":
        changed = _beyond_what_is_made(one, changed, stage)
    if changed and not is_gone:
        return f"it succeeds, and these are not as they should be: {changed}"
    values = {
        name: (value, result.values[name])
        for name, value in expected.values.items()
        if name in result.values and not _is_right(name, value, result.values[name])
    }
    return f"it succeeds, with other values: {values}" if values else None


def _is_removal(job: Job) -> bool:
    return job.operation == "remove-file" or job.options.get("action") == "remove"


def _is_right(name: str, expected: int, value: int) -> bool:
    """A figure may be missing, and in its place there may be why it is: an errno."""
    return value == expected or -_MOST_ERRNO <= value < 0 or name in _BY_OTHER_MEANS


def _beyond_what_is_made(one: Break, changed: list[str], stage: Stage) -> list[str]:
    """Without what the Job makes: the journal has it, of whoever had it made."""
    named = {Path(one.job.options.get(key, "")).name for key in ("file", "output", "copy")}
    return [name for name in changed if name not in named - stage.names]


def _wrong_in_failure(
    one: Break, failure: Failure, expected: Undisturbed, stage: Stage
) -> str | None:
    if failure == expected.failure:
        return None
    if failure.code not in _codes_of(one) or not failure.step:
        return f"it fails with {failure}"
    changed = _beyond_what_is_made(one, stage.changed(), stage)
    return f"it fails with {failure}, and leaves {changed}" if changed else None


def _codes_of(one: Break) -> set[int]:
    """What a failure may be named by: its error, or one that is made of any."""
    codes = {getattr(errno, one.error)}
    if one.error == "ENOENT":
        # A kernel without huge pages has no file with their size.
        codes.add(errno.EOPNOTSUPP)
    if one.error == "ENOMEM":
        # So says pthread_create.
        codes.add(errno.EAGAIN)
    return codes
