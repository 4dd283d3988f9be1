"""What the errors of a cold read (operation file-read) mean, whoever reads."""

import errno

from loadstone.core.explain import ABSENT, Rule
from loadstone.model import Status

_ANYWHERE = (
    Rule(
        step="verify",
        codes=frozenset({errno.EBADMSG}),
        status=Status.FAILED,
        meaning="wrong data: {path} at {offset} is not what was stored",
        remedy="trust no data of this path; report it with the kernel's release",
        ends_run=True,
        is_ours=True,
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
)
"""What its errors mean wherever the file lies."""


def cold_read_rules(remedy: str) -> tuple[Rule, ...]:
    """What the errors of file-read mean.

    Args:
        remedy: what to do about an image whose data cannot be had.
    """
    return (
        *_ANYWHERE,
        Rule(
            step="read|read back",
            codes=frozenset({errno.EIO, errno.EUCLEAN, errno.EINVAL, errno.EOPNOTSUPP}),
            status=Status.FAILED,
            meaning="the image is corrupt, or the disk below it failed",
            remedy=remedy,
        ),
        Rule(
            step="open",
            codes=ABSENT | {errno.EUCLEAN},
            status=Status.FAILED,
            meaning="the file of the image cannot be opened",
            remedy=remedy,
        ),
    )
