"""How much CPU time the control group of a process may take: containers, and units of systemd.

Sources: Documentation/admin-guide/cgroup-v2.rst (``cpu.max``) and Documentation/scheduler/
sched-bwc.rst (``cpu.cfs_quota_us`` of version 1). What a group may take is what the least of it
and its parents may, as far up as the process can see.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from loadstone.environment import ReadTexts
from loadstone.environment.mounts import parse_mountinfo
from loadstone.environment.sysfs import parse_count
from loadstone.model import Fact, Noun

_GROUPS = "/proc/self/cgroup"
_MOUNTS = "/proc/self/mountinfo"
_MAX, _QUOTA, _PERIOD = "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"
_CONTROLLER = re.compile(r"(?:^|[;,])cpu(?:,|$)")


class CpuQuota(Noun, frozen=True, kw_only=True):
    """A limit of CPU time: of how many CPUs all of it would be, and the directory that sets it."""

    cpus: float
    directory: str


def read_cpu_quota(read_texts: ReadTexts) -> CpuQuota | None:
    """The least limit that holds for the process that reads; None where there is none."""
    texts = read_texts([_GROUPS, _MOUNTS])
    directories = list(_directories(texts.get(_GROUPS, ""), texts.get(_MOUNTS, "")))
    files = read_texts([f"{one}/{name}" for one in directories for name in (_MAX, _QUOTA, _PERIOD)])
    quotas = [quota for one in directories if (quota := _quota(one, files)) is not None]
    return min(quotas, key=lambda quota: quota.cpus, default=None)


def quota_facts(read_texts: ReadTexts) -> dict[str, Fact]:
    """``cpu.quota`` in CPUs and where it is set; None where nothing limits CPU time."""
    quota = read_cpu_quota(read_texts)
    return {
        "cpu.quota": None if quota is None else quota.cpus,
        "cpu.quota_directory": None if quota is None else quota.directory,
    }


def _directories(groups: str, mountinfo: str) -> Iterator[str]:
    """Those of the process's groups in which CPU time may be limited, and of their parents."""
    for line in groups.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        for mount in parse_mountinfo(mountinfo):
            is_own = mount.fs_type == "cgroup" and _CONTROLLER.search(mount.options)
            if mount.fs_type == "cgroup2" if not controllers else is_own:
                yield from _upwards(mount.point, _below(mount.root, path))
                break


def _below(root: str, path: str) -> PurePosixPath:
    """A group's path in a mount that shows but ``root`` and what is below it."""
    parts = PurePosixPath(path).parts[1:]
    if parts[: len(PurePosixPath(root).parts) - 1] == PurePosixPath(root).parts[1:]:
        parts = parts[len(PurePosixPath(root).parts) - 1 :]
    # A group outside of the process's own namespace cannot be seen.
    return PurePosixPath() if ".." in parts else PurePosixPath(*parts)


def _upwards(point: str, path: PurePosixPath) -> Iterator[str]:
    for one in (path, *path.parents):
        yield f"{point}/{one}".removesuffix("/.")


def _quota(directory: str, files: Mapping[str, str]) -> CpuQuota | None:
    words = files.get(f"{directory}/{_MAX}", "").split()
    if not words:
        words = [files.get(f"{directory}/{name}", "").strip() for name in (_QUOTA, _PERIOD)]
    counts = [parse_count(word) for word in words]
    if len(counts) != 2 or not counts[0] or not counts[1]:
        # "max", or -1, is no limit.
        return None
    return CpuQuota(cpus=counts[0] / counts[1], directory=directory)
