"""Control groups of our own that limit the memory of a Job, made for a Run and removed with it.

Source: cgroups(7), Linux's Documentation/admin-guide/cgroup-v2.rst ("No Internal Process
Constraint", "Delegation") and cgroup-v1/memory.rst.
"""

import contextlib
import errno
import secrets
from collections.abc import Iterator, Sequence

from loadstone.core.explain import describe
from loadstone.environment.control_group import OWN_GROUPS, ControlGroup, find_control_group
from loadstone.errors import CannotMeasureError
from loadstone.model import CoreError, Job, Noun
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.provision.removers import CONTROL_GROUP
from loadstone.targets import Target
from loadstone.text import printable

_LIMIT_FILES = {False: "memory.limit_in_bytes", True: "memory.max"}
_SAMPLES = {
    False: ("memory.failcnt", "memory.oom_control", "memory.stat"),
    True: ("memory.events", "memory.pressure", "memory.stat"),
}
_SUBTREE = "cgroup.subtree_control"
_REFUSED = (errno.EACCES, errno.EPERM)
_REMEDY = "run as root, outside of containers, or have a group delegated (systemd's Delegate=yes)"
_READ_ONLY = "mount the control groups writable (docker run --privileged)"


class MemoryGroup(Noun, frozen=True, kw_only=True):
    """A control group that a Job may enter; ``limit_bytes`` is the most that it is charged."""

    directory: str
    limit_bytes: int
    is_unified: bool

    @property
    def samples(self) -> tuple[str, ...]:
        """Kernel files of it worth reading around a timed region."""
        return tuple(f"{self.directory}/{name}" for name in _SAMPLES[self.is_unified])


@contextlib.contextmanager
def memory_group(target: Target, journal: Journal, limit_bytes: int) -> Iterator[MemoryGroup]:
    """Make a group of so many bytes, below this process's own or beside it.

    In version 2 a group that has processes hands no controller on, so that ours is made where one
    of those above does. That a Job can enter it is tried.

    Raises:
        CannotMeasureError: no such group can be made or entered here.
        RunError: the journal cannot be written, or the group would not go.
    """
    found, places = _find_places(target)
    refusals: list[CannotMeasureError] = []
    for place in places:
        directory = f"{place}/loadstone-pressure-{secrets.token_hex(4)}"
        group = MemoryGroup(
            directory=directory, limit_bytes=limit_bytes, is_unified=found.is_unified
        )
        with contextlib.ExitStack() as stack:
            stack.enter_context(journal.registered(CONTROL_GROUP, directory))
            try:
                _make(target, group)
            except CannotMeasureError as refusal:
                refusals.append(refusal)
                continue
            yield group
            return
    raise refusals[0]


def _find_places(target: Target) -> tuple[ControlGroup, Sequence[str]]:
    """The group of this process, and the directories below which one may be made."""
    texts = (target.read_text(path) or "" for path in (OWN_GROUPS, "/proc/self/mountinfo"))
    own, mountinfo = texts
    found = find_control_group("memory", own, mountinfo)
    if found is None or not found.directories:
        raise CannotMeasureError(
            "no control groups with a memory controller are mounted here",
            remedy="mount them (mount -t cgroup2 cgroup2 /sys/fs/cgroup), on a kernel with "
            "CONFIG_MEMCG",
        )
    if not found.is_unified:
        return found, found.directories[:1]
    handed_on = target.read_texts([f"{place}/{_SUBTREE}" for place in found.directories])
    places = [
        place
        for place in found.directories
        if "memory" in handed_on.get(f"{place}/{_SUBTREE}", "").split()
    ]
    if not places:
        top = printable(found.directories[-1])
        raise CannotMeasureError(
            f"no control group from {printable(found.directories[0])} up to {top} hands the "
            f"memory controller on ({_SUBTREE})",
            remedy=f"as root: echo +memory > {top}/{_SUBTREE}",
        )
    return found, places


def _make(target: Target, group: MemoryGroup) -> None:
    limit = {
        "file": f"{group.directory}/{_LIMIT_FILES[group.is_unified]}",
        "text": str(group.limit_bytes),
    }
    jobs = (
        Job(operation="control-group", options=_action("make", group)),
        Job(operation="write-text", options=limit),
        Job(operation="control-group", options=_action("enter", group)),
    )
    for job in jobs:
        if error := execute(target, job).error:
            raise _refusal(error)


def _action(action: str, group: MemoryGroup) -> dict[str, str]:
    return {"action": action, "directory": group.directory}


def _refusal(error: CoreError) -> CannotMeasureError:
    remedy = _READ_ONLY if error.code == errno.EROFS else _REMEDY
    words = describe(error)
    if error.code not in (*_REFUSED, errno.EROFS):
        remedy = "see dmesg, and the limits of the groups above (cgroup.max.descendants)"
    return CannotMeasureError(words, remedy=remedy)
