"""What each error of calibration means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import REFUSED, Rule
from loadstone.model import Status

RULES = (
    Rule(
        step="huge pages|MADV_HUGEPAGE",
        codes=frozenset({errno.EINVAL, errno.EOPNOTSUPP}),
        status=Status.SKIPPED,
        meaning="this kernel has no transparent huge pages",
        remedy="a kernel with CONFIG_TRANSPARENT_HUGEPAGE",
    ),
    Rule(
        step="huge page size",
        codes=REFUSED,
        status=Status.SKIPPED,
        meaning="this user may not read the size of huge pages",
        remedy="run as root, or --set effect=memcpy,syscall,minor-fault",
    ),
    Rule(
        step="huge page fault",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="the kernel gave small pages where huge ones were asked for",
        remedy="as root: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled; or free "
        "memory, and echo 1 > /proc/sys/vm/compact_memory",
    ),
    Rule(
        step="page cache of",
        codes=frozenset({errno.EAGAIN}),
        status=Status.INVALID,
        meaning="part of the file left the page cache while it was read",
        remedy="free memory, or name a directory of another file system with --dir",
        is_ours=True,
    ),
    Rule(
        step="create|write|fsync",
        codes=frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, *REFUSED}),
        status=Status.SKIPPED,
        meaning="no file can be made",
        remedy="name another directory with --dir, or --set effect=memcpy,syscall,minor-fault",
    ),
    Rule(
        step="mmap|reserve page map|memfd_create|write|MADV_HUGEPAGE",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="not enough memory for what the effect works on",
        remedy="free some: end other programs, or raise the limit of this one (ulimit -v)",
    ),
    Rule(
        step="start partner thread",
        codes=frozenset({errno.EAGAIN, errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="no more threads may be started here",
        remedy="raise the limit (ulimit -u), or end other programs of this user",
    ),
)
