"""What each error of inline-tail means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import Rule
from loadstone.model import Status

RULES = (
    Rule(
        step="verify",
        codes=frozenset({errno.EBADMSG}),
        status=Status.FAILED,
        meaning="wrong data: {path} at {offset} is not what was copied",
        remedy="trust no data of this kernel's F2FS; report it with the kernel's release",
        ends_run=True,
        is_ours=True,
    ),
    Rule(
        step="copy|syncfs",
        codes=frozenset({errno.ENOSPC, errno.EDQUOT}),
        status=Status.SKIPPED,
        meaning="the F2FS made for the Run, or the file system below it, has no room for the tree",
        remedy="free space there, name another --dir, or take a smaller tree",
    ),
    Rule(
        step="copy|syncfs|read|read back|open|statfs",
        codes=frozenset({errno.EIO, errno.EUCLEAN, errno.EROFS}),
        status=Status.FAILED,
        meaning="the F2FS made for the Run failed, or the disk below it",
        remedy="see dmesg for what F2FS and the disk say",
    ),
    Rule(
        step="reserve tree|reserve block",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="not enough memory for the list of what is copied",
        remedy="free some, or take a smaller tree",
    ),
)
