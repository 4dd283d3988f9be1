"""What each error of erofs-read means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import ABSENT, Rule
from loadstone.model import Status

TRUST_NOT = "trust no data of this image; see dmesg for what EROFS says, and make it anew"
"""What to do about an image whose data cannot be had."""

RULES = (
    Rule(
        step="verify",
        codes=frozenset({errno.EBADMSG}),
        status=Status.FAILED,
        meaning="wrong data: {path} at {offset} is not what the image was made of",
        remedy="trust no data of this path; report it with the kernel's release",
        ends_run=True,
        is_ours=True,
    ),
    Rule(
        step="read|read back",
        codes=frozenset({errno.EIO, errno.EUCLEAN, errno.EINVAL, errno.EOPNOTSUPP}),
        status=Status.FAILED,
        meaning="the image is corrupt, or the disk below it failed",
        remedy=TRUST_NOT,
    ),
    Rule(
        step="total of the file",
        codes=frozenset({errno.ENODATA}),
        status=Status.SKIPPED,
        meaning="the file has {offset} bytes, fewer than are to be read",
        remedy="--set total={offset} or less, or a larger --size",
        is_ours=True,
    ),
    Rule(
        step="reserve offsets|reserve block",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="not enough memory for a block of {block} bytes, and the list of what is read",
        remedy="free some, or --set block or total to less",
    ),
    Rule(
        step="open",
        codes=ABSENT | {errno.EUCLEAN},
        status=Status.FAILED,
        meaning="the file of the image cannot be opened",
        remedy=TRUST_NOT,
    ),
)
