"""What each error of folio-write means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import REFUSED, THREAD_RULES, Rule, io_uring_rules
from loadstone.model import Status

_WRITES = ".*write|create|fsync|syncfs|fallocate"
_WRONG_DATA = "verify written|read back"
_WRONG_CODES = frozenset({errno.EBADMSG, errno.ENODATA})


# Source: linux-xfs, 2025-01-28, on IOMAP and append writes: XFS lets direct appends find the end of
# the file under a shared lock.
def _lost_append(together: str, one_by_one: str) -> Rule:
    return Rule(
        step=_WRONG_DATA,
        codes=_WRONG_CODES,
        status=Status.FAILED,
        meaning="appends were lost: this file system lets direct appends that are on their way "
        "together choose the same place (XFS does), as {path} shows at {offset}",
        remedy=f"--set io=buffered, or {one_by_one}; a program that appends like this loses data "
        "here",
        when={"pattern": "append", "io": "direct", together: "(?!1$).*"},
        is_ours=True,
    )


RULES = (
    Rule(
        step=_WRITES,
        codes=frozenset({errno.ENOSPC, errno.EDQUOT}),
        status=Status.FAILED,
        meaning="the file system ran full",
        remedy="free space, --set total to less than {total} bytes, or name another --dir",
    ),
    Rule(
        step="create|open",
        codes=REFUSED | {errno.EROFS},
        status=Status.FAILED,
        meaning="no file can be made here",
        remedy="name a directory with --dir that this user may write to",
    ),
    Rule(
        step="fallocate",
        codes=frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="this file system preallocates nothing",
        remedy="--set prealloc=none, or a directory on ext4, XFS, btrfs or F2FS",
    ),
    Rule(
        step="(io_uring )?RWF_DONTCACHE write",
        codes=frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}),
        status=Status.SKIPPED,
        meaning="this kernel or file system has no RWF_DONTCACHE (Linux 6.14; ext4, XFS, btrfs)",
        remedy="--set io=buffered, or --set io=direct to go around the page cache",
    ),
    Rule(
        step="O_DIRECT open|(io_uring )?O_DIRECT write",
        codes=frozenset({errno.EINVAL, errno.EOPNOTSUPP}),
        status=Status.SKIPPED,
        meaning="this file system refuses O_DIRECT here",
        remedy="--set io=buffered, or name a directory on ext4, XFS, btrfs or F2FS with --dir",
    ),
    Rule(
        step="size for O_DIRECT",
        codes=frozenset({errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="with O_DIRECT the size of a write must be a multiple of {offset} bytes here",
        remedy="--set size={offset} or a multiple",
        is_ours=True,
    ),
    _lost_append("threads", "threads=1 and depth=1"),
    _lost_append("depth", "depth=1"),
    Rule(
        step=_WRONG_DATA,
        codes=_WRONG_CODES,
        status=Status.FAILED,
        meaning="wrong data: what was written to {path} at {offset} is not what is read back",
        remedy="do not trust this path for data; report it with the kernel's release",
        is_ours=True,
    ),
    Rule(
        step="reserve.*",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="not enough memory for what a write takes",
        remedy="free some, or --set size to less than {size} bytes",
    ),
    *io_uring_rules("pwrite"),
    Rule(
        step="io_uring_setup",
        codes=frozenset({errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="this kernel's io_uring is older than IORING_SETUP_R_DISABLED (Linux 5.10)",
        remedy="--set engine=pwrite, or a newer kernel",
    ),
    Rule(
        step="io_uring_setup",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="no memory, or no limit of locked memory, for a ring of {depth} entries in each of "
        "{threads} threads",
        remedy="--set depth or threads to less, or raise the limit (ulimit -l)",
    ),
    *THREAD_RULES,
)
