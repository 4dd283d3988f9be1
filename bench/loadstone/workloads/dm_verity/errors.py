"""What each error of dm-verity means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import DEVICE_RULES, Rule
from loadstone.model import Status

RULES = (
    Rule(
        step="verify",
        codes=frozenset({errno.EBADMSG}),
        status=Status.FAILED,
        meaning="wrong data: {path} at {offset} is not what the image holds there",
        remedy="do not trust this path for data; report it with the kernel's release",
        ends_run=True,
        is_ours=True,
    ),
    *DEVICE_RULES,
)
