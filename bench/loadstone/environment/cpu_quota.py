"""How much CPU time the control group of a process may take: containers, and units of systemd.

Sources: Documentation/admin-guide/cgroup-v2.rst (``cpu.max``) and Documentation/scheduler/
sched-bwc.rst (``cpu.cfs_quota_us`` of version 1). What a group may take is what the least of it
and its parents may, as far up as the process can see.
"""

from collections.abc import Mapping

from loadstone.environment import ReadTexts
from loadstone.environment.control_group import OWN_GROUPS, find_control_group
from loadstone.environment.sysfs import parse_count
from loadstone.model import Fact, Noun

_MOUNTS = "/proc/self/mountinfo"
_MAX, _QUOTA, _PERIOD = "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"


class CpuQuota(Noun, frozen=True, kw_only=True):
    """A limit of CPU time: of how many CPUs all of it would be, and the directory that sets it."""

    cpus: float
    directory: str


def read_cpu_quota(read_texts: ReadTexts) -> CpuQuota | None:
    """The least limit that holds for the process that reads; None where there is none."""
    texts = read_texts([OWN_GROUPS, _MOUNTS])
    group = find_control_group("cpu", texts.get(OWN_GROUPS, ""), texts.get(_MOUNTS, ""))
    directories = group.directories if group is not None else ()
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


def _quota(directory: str, files: Mapping[str, str]) -> CpuQuota | None:
    words = files.get(f"{directory}/{_MAX}", "").split()
    if not words:
        words = [files.get(f"{directory}/{name}", "").strip() for name in (_QUOTA, _PERIOD)]
    counts = [parse_count(word) for word in words]
    if len(counts) != 2 or not counts[0] or not counts[1]:
        # "max", or -1, is no limit.
        return None
    return CpuQuota(cpus=counts[0] / counts[1], directory=directory)
