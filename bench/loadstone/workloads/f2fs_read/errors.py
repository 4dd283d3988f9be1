"""What each error of f2fs-read means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import REFUSED, Rule
from loadstone.model import Status
from loadstone.workloads.cold_reads.errors import cold_read_rules

RULES = (
    Rule(
        step="direct alignment",
        codes=frozenset({errno.EINVAL, errno.EOPNOTSUPP}),
        status=Status.SKIPPED,
        meaning="there are no direct reads of {block} bytes of this file",
        remedy="--set block to a multiple of 4096, or --set io=buffered",
    ),
    Rule(
        step="open O_DIRECT",
        codes=frozenset({errno.EINVAL, errno.EOPNOTSUPP}),
        status=Status.SKIPPED,
        meaning="the file system has no direct I/O",
        remedy="--set io=buffered, or name another --dir",
    ),
    Rule(
        step="read",
        codes=frozenset({errno.EOPNOTSUPP}),
        status=Status.FAILED,
        meaning="the file was immutable and has large folios, until its inode is loaded anew, and "
        "somebody has it open",
        remedy="end what has it open (fuser -v {path})",
    ),
    *cold_read_rules("see dmesg for what F2FS says; trust no data of this file system"),
    Rule(
        step="FS_IOC_SETFLAGS",
        codes=REFUSED,
        status=Status.SKIPPED,
        meaning="the immutable attribute is root's to give (CAP_LINUX_IMMUTABLE)",
        remedy="run as root",
    ),
    Rule(
        step="FS_IOC_GETFLAGS|FS_IOC_SETFLAGS",
        codes=frozenset({errno.ENOTTY, errno.EOPNOTSUPP, errno.ENOSYS}),
        status=Status.SKIPPED,
        meaning="files have no immutable attribute here",
        remedy="name a --dir on F2FS",
    ),
    Rule(
        step="drop_caches",
        codes=REFUSED | {errno.ENOENT, errno.EROFS},
        status=Status.SKIPPED,
        meaning="F2FS looks for the attribute when it loads an inode, and none is dropped here",
        remedy="run as root, where /proc/sys/vm/drop_caches can be written",
    ),
)
