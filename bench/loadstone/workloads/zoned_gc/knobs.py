"""What F2FS lets be tuned of its cleaning, per mount: in ``/sys/fs/f2fs/DISK``.

Source: Documentation/ABI/testing/sysfs-fs-f2fs.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from loadstone.errors import CannotMeasureError, system_words
from loadstone.model import Kind, Parameter, Value

AS_IS = "default"
"""A knob that is left as the kernel has it."""

KNOB_FILES = {
    "reserved": "reserved_segments",
    "policy": "blkzone_alloc_policy",
    "bggc_io_aware": "bggc_io_aware",
    "gc_no_zoned_gc_percent": "gc_no_zoned_gc_percent",
    "gc_boost_zoned_gc_percent": "gc_boost_zoned_gc_percent",
    "gc_boost_gc_multiple": "gc_boost_gc_multiple",
    "gc_boost_gc_greedy": "gc_boost_gc_greedy",
    "gc_valid_thresh_ratio": "gc_valid_thresh_ratio",
    "gc_min_sleep_time": "gc_min_sleep_time",
    "gc_max_sleep_time": "gc_max_sleep_time",
    "gc_no_gc_sleep_time": "gc_no_gc_sleep_time",
}
"""The kernel's file of each parameter."""

_HELP = {
    "reserved": "segments that are kept free for cleaning; mkfs's -o (overprovision) sets them too",
    "policy": "0 sequential zones first, 1 those only, 2 conventional zones first",
    "bggc_io_aware": "0 no background GC while any I/O is pending, 1 while reads are, 2 always",
    "gc_no_zoned_gc_percent": "of zones that are free: from there on no background GC",
    "gc_boost_zoned_gc_percent": "of zones that are free: up to there background GC does more",
    "gc_boost_gc_multiple": "how much more: segments moved at a time",
    "gc_boost_gc_greedy": "0 by cost and benefit, 1 those with least that is valid",
    "gc_valid_thresh_ratio": "percent of a section: with more that is valid it is not moved",
    "gc_min_sleep_time": "ms between rounds of background GC, at least",
    "gc_max_sleep_time": "ms, at most",
    "gc_no_gc_sleep_time": "ms, where there is nothing to do",
}

KNOB_PARAMETERS = tuple(
    Parameter(
        name=name,
        kind=Kind.CHOICE,
        default=AS_IS,
        help=f"{_HELP[name]} [as the kernel has it]",
    )
    for name in KNOB_FILES
)

STATE_FILES = ("reserved_segments", "ovp_segments", "free_segments")


def changed_knobs(parameters: Mapping[str, Value]) -> dict[str, str]:
    """The knobs that a Case sets, by parameter."""
    return {name: str(parameters[name]) for name in KNOB_FILES if parameters[name] != AS_IS}


def set_knobs(directory: Path, knobs: Mapping[str, str]) -> None:
    """Write knobs of a mounted F2FS of ours, and read each back.

    Args:
        directory: ``/sys/fs/f2fs/DISK``.

    Raises:
        CannotMeasureError: this kernel has no such knob, or makes another value of it.
    """
    for name, value in knobs.items():
        _set_knob(directory / KNOB_FILES[name], name, value)


def read_state(directory: Path) -> dict[str, float]:
    """Segments that a mounted F2FS holds back and has free, as far as this kernel tells."""
    texts = {name: directory / name for name in STATE_FILES}
    return {name: float(path.read_text()) for name, path in texts.items() if path.exists()}


def _set_knob(file: Path, name: str, value: str) -> None:
    try:
        # Of a file that is not there sysfs would say that none may be made.
        with os.fdopen(os.open(file, os.O_WRONLY), "w") as knob:
            knob.write(value)
    except FileNotFoundError as error:
        raise CannotMeasureError(
            f"the F2FS of this kernel has no {file.name}: {system_words(error.errno or 0)}",
            remedy=f"leave {name} out, or take a later kernel (Linux 7.3 has it)",
        ) from error
    except OSError as error:
        raise CannotMeasureError(
            f"{file.name} = {value}: {system_words(error.errno or 0)}",
            remedy=f"--set {name} to another value",
        ) from error
    took = file.read_text().strip()
    if took != value:
        raise CannotMeasureError(
            f"{file.name} = {value}: the kernel made {took} of it",
            remedy=f"--set {name}={took}, or another value",
        )
