"""What each error of zoned-gc means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import Rule
from loadstone.model import Status

RULES = (
    Rule(
        step="verify written|read back",
        codes=frozenset({errno.EBADMSG, errno.ENODATA}),
        status=Status.FAILED,
        meaning="wrong data: what was written to {path} at {offset} is not what is read back",
        remedy="trust no data of this kernel's F2FS; report it with the kernel's release",
        ends_run=True,
        is_ours=True,
    ),
    Rule(
        step="O_DIRECT write|O_DIRECT open",
        codes=frozenset({errno.EOPNOTSUPP, errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="the file system carries O_DIRECT writes out through the page cache (F2FS on zones "
        "does in Linux 6.1), so that they are not on the device when they return",
        remedy="--set sync=fdatasync",
    ),
    Rule(
        step="O_DIRECT write",
        codes=frozenset({errno.EIO}),
        status=Status.SKIPPED,
        meaning="the zonefs of this kernel takes a zone for corrupt after a write by O_DIRECT "
        "(Linux 6.1 does, see dmesg)",
        remedy="take a later kernel; Linux 7.3 does not",
        when={"fs": "zonefs"},
    ),
    Rule(
        step="write|O_DIRECT write|fdatasync|syncfs",
        codes=frozenset({errno.ENOSPC}),
        status=Status.SKIPPED,
        meaning="the file system ran full at {fill} percent",
        remedy="--set fill to less",
    ),
    Rule(
        step="write|O_DIRECT write|fdatasync|syncfs",
        codes=frozenset({errno.EIO}),
        status=Status.FAILED,
        meaning="the file system made for the Run failed: F2FS of Linux 6.1 resets several zones "
        "of one segment at a time, which no device does (dmesg: unaligned zone reset)",
        remedy="--set zone=4MiB or more, or take a later kernel",
        when={"fs": "f2fs", "zone": "2097152"},
    ),
    Rule(
        step="write|O_DIRECT write|fdatasync|syncfs|reset zone|read back|open|O_DIRECT open",
        codes=frozenset({errno.EIO, errno.EUCLEAN, errno.EROFS}),
        status=Status.FAILED,
        meaning="the file system made for the Run failed, or the simulated device below it",
        remedy="see dmesg; a device in memory fails where there is none left: --set device to less",
    ),
    Rule(
        step="read counter",
        codes=frozenset({errno.ENOENT, errno.EPROTO}),
        status=Status.SKIPPED,
        meaning="this kernel does not tell {path}, by which writes are counted",
        remedy="take a later kernel",
    ),
    Rule(
        step="reserve places",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="not enough memory to keep in mind what was written where",
        remedy="free some, or --set device to less",
    ),
)
