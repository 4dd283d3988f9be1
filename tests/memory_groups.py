"""Control groups that limit memory, made on the running kernel and removed again."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from loadstone.environment.mounts import parse_mountinfo


class MemoryGroup(NamedTuple):
    """A control group, the file that limits it, and words that run a command in it."""

    directory: Path
    limit_file: Path
    inside: tuple[str, ...]


@contextlib.contextmanager
def memory_group(limit_bytes: int) -> Iterator[MemoryGroup]:
    """A group of so many bytes, with another in it that has no limit, where commands run.

    A test is skipped where this kernel's memory controller cannot be had.
    """
    top, limit_name = _controller()
    outer = top / f"loadstone-test-{os.getpid()}-{secrets.token_hex(2)}"
    inner = outer / "inner"
    inner.mkdir(parents=True)
    try:
        (outer / limit_name).write_text(str(limit_bytes))
        enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
        yield MemoryGroup(outer, outer / limit_name, ("sh", "-c", enter, str(inner)))
    finally:
        inner.rmdir()
        outer.rmdir()


def _controller() -> tuple[Path, str]:
    """Where the memory controller is mounted, and the name of the file that limits."""
    for mount in parse_mountinfo(Path("/proc/self/mountinfo").read_text()):
        top = Path(mount.point)
        if mount.fs_type == "cgroup" and "memory" in mount.options.split(";")[1].split(","):
            return top, "memory.limit_in_bytes"
        if mount.fs_type == "cgroup2":
            control = top / "cgroup.subtree_control"
            if control.exists() and "memory" in control.read_text().split():
                return top, "memory.max"
    pytest.skip("no memory controller is mounted and enabled: mount -t cgroup -o memory none DIR")
