"""Where the control group of a process shows itself, and those above it. Source: cgroups(7)."""

from pathlib import PurePosixPath

from loadstone.environment.mounts import Mount, parse_mountinfo
from loadstone.model import Noun

OWN_GROUPS = "/proc/self/cgroup"
"""The groups of this process, a line for each hierarchy."""


class ControlGroup(Noun, frozen=True, kw_only=True):
    """The group of a process that a controller applies to.

    ``path`` is its own in the hierarchy, ``directories`` are where it and those above it are
    mounted, inmost first, as far up as the process can see; none where it sees none of them.
    ``is_unified`` says that it is one of version 2.
    """

    is_unified: bool
    path: str
    directories: tuple[str, ...]


def find_control_group(controller: str, groups: str, mountinfo: str) -> ControlGroup | None:
    """The group that limits what a controller is for; None where there are no groups.

    Args:
        controller: ``cpu`` or ``memory``. Version 1 has it where a line of ``groups`` names it.
        groups: the text of ``OWN_GROUPS``.
    """
    lines = [line.split(":", 2) for line in groups.splitlines() if line.count(":") >= 2]
    first = [path for _, controllers, path in lines if controller in controllers.split(",")]
    second = [path for number, controllers, path in lines if (number, controllers) == ("0", "")]
    if not first and not second:
        return None
    path, is_unified = (first or second)[0], not first
    mounts = [
        mount
        for mount in parse_mountinfo(mountinfo)
        if (_is_unified(mount) if is_unified else _has_controller(mount, controller))
    ]
    directories = tuple(_directories(path, mounts))
    return ControlGroup(is_unified=is_unified, path=path, directories=directories)


def _directories(path: str, mounts: list[Mount]) -> list[str]:
    """A container sees its group as the root, or as its host does on a mount of that path."""
    seen = [mount for mount in mounts if PurePosixPath(path).is_relative_to(mount.root)]
    if not seen:
        return []
    # The one that shows most of the groups above.
    mount = min(reversed(seen), key=lambda mount: len(mount.root))
    below = PurePosixPath(path).relative_to(mount.root)
    return [str(PurePosixPath(mount.point) / one) for one in (below, *below.parents)]


def _is_unified(mount: Mount) -> bool:
    return mount.fs_type == "cgroup2"


def _has_controller(mount: Mount, controller: str) -> bool:
    options = mount.options.partition(";")[2].split(",")
    return mount.fs_type == "cgroup" and controller in options
