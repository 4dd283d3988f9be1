"""What a process may do in the kernel's eyes: root is not all there is to it.

Sources: capabilities(7), user_namespaces(7). A file system on a block device is mounted only with
CAP_SYS_ADMIN in the machine's own (initial) user namespace.
"""

import re

from loadstone.environment import ReadText

CAP_SYS_ADMIN = 21
CAP_IPC_LOCK = 14

_EFFECTIVE = re.compile(r"^CapEff:\s+([0-9a-f]+)$", re.MULTILINE)
# All of the ids, each by itself: the initial namespace; any other maps fewer, or otherwise.
_INITIAL = ["0", "0", str((1 << 32) - 1)]


def has_capability(status: str, number: int) -> bool:
    """Whether the process of this ``/proc/PID/status`` has a capability in its own namespace."""
    effective = _EFFECTIVE.search(status)
    return effective is not None and bool(int(effective[1], 16) >> number & 1)


def limits_of_root(read_text: ReadText) -> str | None:
    """Why root that is none to the kernel may not mount, in words; None where it may.

    Where the kernel tells nothing, nothing is known against it.
    """
    uid_map, status = read_text("/proc/self/uid_map"), read_text("/proc/self/status")
    if uid_map and uid_map.split() != _INITIAL:
        return "this root is one of a user namespace (unshare -r, a rootless container)"
    if status and _EFFECTIVE.search(status) and not has_capability(status, CAP_SYS_ADMIN):
        return "this root has no CAP_SYS_ADMIN (a container, or a unit with fewer capabilities)"
    return None
