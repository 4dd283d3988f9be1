"""What each error of virtual-ab means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import ABSENT, DEVICE_RULES, Rule
from loadstone.model import Status

RULES = (
    Rule(
        step="verify",
        codes=frozenset({errno.EBADMSG}),
        status=Status.FAILED,
        meaning="wrong data: {path} at {offset} is not what the update has there",
        remedy="do not trust this path for data; report it with the kernel's release",
        ends_run=True,
        is_ours=True,
    ),
    Rule(
        step="merge",
        codes=frozenset({errno.EIO}),
        status=Status.FAILED,
        meaning="the kernel gave the snapshot up before it was merged: its status is {path}",
        remedy="see dmesg for what dm-snapshot and the device below say",
        is_ours=True,
    ),
    Rule(
        step="DM_.*",
        codes=ABSENT,
        status=Status.FAILED,
        meaning="the device went away during the Run",
        remedy="see dmesg for why, and leave its device-mapper tables alone",
    ),
    Rule(
        step="reserve image",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="not enough memory to hold the image of {offset} bytes, which reads are held "
        "against",
        remedy="free some, or take a smaller --size or --file",
    ),
    *DEVICE_RULES,
)
