"""What of the kernel's and of the disk's a test could leave behind: it may leave none of it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from loadstone.environment.mounts import parse_mountinfo
from loadstone.provision.module_parameters import module_parameters
from zrams import zrams

# As long as a virtual phone lives, which has such a namespace.
_DETACH_LIMIT_S = 300.0
_ZRAM_LIMIT_S = 30.0


class Leftovers(NamedTuple):
    """What was there at one time below a directory or anywhere in the kernel."""

    loops: frozenset[str]
    mounts: frozenset[str]
    mapped: frozenset[str]
    files: frozenset[str]
    modules: frozenset[str]


def leftovers(place: Path) -> Leftovers:
    """Loop devices over files below ``place``, mounts there, all dm devices, files of ours, modules
    that were loaded anew.

    Loop devices and mounts of others come and go meanwhile; those are not looked at.
    """
    mounts = parse_mountinfo(Path("/proc/self/mountinfo").read_text())
    below = f"{os.path.realpath(place)}/"
    return Leftovers(
        loops=frozenset(name for name in _backing_files() if name.startswith(below)),
        mounts=frozenset(mount.point for mount in mounts if mount.point.startswith(below)),
        mapped=frozenset(path.name for path in Path("/sys/block").glob("dm-*")),
        files=frozenset(str(path) for path in place.rglob("loadstone-*")),
        modules=frozenset(_reserves()),
    )


def _reserves() -> Iterator[str]:
    """Of EROFS, if somebody had it loaded with some: stock it has none."""
    pages = module_parameters("erofs").get("reserved_pages", "0")
    if pages != "0":
        yield f"erofs.reserved_pages={pages}"


def _backing_files() -> Iterator[str]:
    for attribute in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            yield attribute.read_text().strip()
        except OSError:
            continue


def await_loops(place: Path, expected: frozenset[str] = frozenset()) -> frozenset[str]:
    """The files below ``place`` that have loop devices, once these are the expected ones.

    One that is detached while a process of another test has it open, or has its mount in a mount
    namespace of its own (``unshare --mount`` copies them all), goes with that process: so much is
    waited for. What nobody has is gone at once.
    """
    end_s = time.monotonic() + _DETACH_LIMIT_S
    while (loops := leftovers(place).loops) - expected and time.monotonic() < end_s:
        time.sleep(0.01)
    return loops


def await_zrams(expected: frozenset[str]) -> frozenset[str]:
    """The zram devices beyond the expected ones, once there are none: those of other tests go."""
    end_s = time.monotonic() + _ZRAM_LIMIT_S
    while (more := zrams() - expected) and time.monotonic() < end_s:
        time.sleep(0.01)
    return more


@pytest.fixture
def nothing_is_left(place: Path) -> Iterator[None]:
    """After the test, what was not there before is not there either."""
    before = leftovers(place)
    zrams_before = zrams()
    yield
    await_loops(place, before.loops)
    assert not await_zrams(zrams_before)
    after = leftovers(place)
    # pytest tells of no comparison outside of a test's own module.
    assert after == before, (after, before)
