"""What each error of folio-write means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import DEVICE_RULES, Rule
from loadstone.model import Status

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_WRITES = ".*write|create|fsync|syncfs|fallocate"


def _rule(
    step: str, codes: frozenset[int], status: Status, meaning: str, remedy: str, is_ours: bool
) -> Rule:
    return Rule(
        step=step, codes=codes, status=status, meaning=meaning, remedy=remedy, is_ours=is_ours
    )


RULES = (
    _rule(
        _WRITES,
        _NO_ROOM,
        Status.FAILED,
        "the file system ran full",
        "free space, --set total to less than {total} bytes, or name another --dir",
        is_ours=False,
    ),
    _rule(
        "create",
        _REFUSED,
        Status.FAILED,
        "no file can be made here",
        "name a directory with --dir that this user may write to",
        is_ours=False,
    ),
    _rule(
        "fallocate",
        frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}),
        Status.SKIPPED,
        "this file system preallocates nothing",
        "--set prealloc=none, or a directory on ext4, XFS, btrfs or F2FS",
        is_ours=False,
    ),
    _rule(
        "RWF_DONTCACHE write",
        frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}),
        Status.SKIPPED,
        "this kernel or file system has no RWF_DONTCACHE (Linux 6.14; ext4, XFS, btrfs)",
        "--set io=buffered, or direct to go around the page cache",
        is_ours=False,
    ),
    _rule(
        "O_DIRECT open|O_DIRECT write",
        frozenset({errno.EINVAL, errno.EOPNOTSUPP}),
        Status.SKIPPED,
        "this file system refuses O_DIRECT here",
        "--set io=buffered, or name a directory on ext4, XFS, btrfs or F2FS with --dir",
        is_ours=False,
    ),
    _rule(
        "size for O_DIRECT",
        frozenset({errno.EINVAL}),
        Status.SKIPPED,
        "with O_DIRECT the size of a write must be a multiple of {offset} bytes here",
        "--set size={offset} or a multiple",
        is_ours=True,
    ),
    _rule(
        "verify written|read back",
        frozenset({errno.EBADMSG, errno.ENODATA}),
        Status.FAILED,
        "wrong data: what was written to {path} at {offset} is not what is read back",
        "do not trust this path for data; report it with the kernel's release",
        is_ours=True,
    ),
    _rule(
        "reserve.*",
        frozenset({errno.ENOMEM}),
        Status.SKIPPED,
        "not enough memory for what a write takes",
        "free some, or --set size to less than {size} bytes",
        is_ours=False,
    ),
    *DEVICE_RULES,
)

# Source: linux-xfs, 2025-01-28, on IOMAP and append writes: XFS lets direct appends find the end of
# the file under a shared lock.
LOST_APPEND = _rule(
    "verify written|read back",
    frozenset({errno.EBADMSG, errno.ENODATA}),
    Status.FAILED,
    "appends were lost: this file system lets direct appends of several threads choose the same "
    "place (XFS does), as {path} shows at {offset}",
    "--set io=buffered, or threads=1; a program that appends like this loses data here",
    is_ours=True,
)
"""What wrong data means where several threads append with O_DIRECT."""
