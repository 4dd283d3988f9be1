"""Mounts, as ``/proc/self/mountinfo`` lists them."""

import re
from pathlib import PurePosixPath

from loadstone.model import Fact, Noun

_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(Noun, frozen=True, kw_only=True):
    """One line of ``/proc/self/mountinfo``; ``root`` is what of the file system it shows."""

    device: str
    root: str
    point: str
    fs_type: str
    source: str
    options: str


def parse_mountinfo(text: str) -> list[Mount]:
    """Read ``/proc/self/mountinfo``. Source: proc_pid_mountinfo(5)."""
    mounts = []
    for line in text.splitlines():
        head, _, tail = line.partition(" - ")
        fields, rest = head.split(" "), tail.split(" ")
        if len(fields) >= 6 and len(rest) >= 3:
            mounts.append(
                Mount(
                    device=fields[2],
                    root=_unescaped(fields[3]),
                    point=_unescaped(fields[4]),
                    fs_type=rest[0],
                    source=_unescaped(rest[1]),
                    options=f"{fields[5]};{rest[2]}",
                )
            )
    return mounts


def find_mount(mounts: list[Mount], path: str) -> Mount | None:
    """The mount that a path lies on: the last of those with the longest mount point."""
    parents = {path, *map(str, PurePosixPath(path).parents)}
    found = [mount for mount in mounts if mount.point in parents]
    deepest = max((len(mount.point) for mount in found), default=0)
    return next((mount for mount in reversed(found) if len(mount.point) == deepest), None)


def mount_facts(mount: Mount) -> dict[str, Fact]:
    """Type, options and source of a file system."""
    return {
        "fs.type": mount.fs_type,
        "fs.options": mount.options,
        "fs.source": mount.source,
        "fs.mount_point": mount.point,
    }


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
