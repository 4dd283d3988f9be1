"""What each error of dm-verity-fec means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import ABSENT, OPEN_DEVICE_RULES, Rule
from loadstone.model import Status

RULES = (
    Rule(
        step="verify",
        codes=frozenset({errno.EBADMSG}),
        status=Status.FAILED,
        meaning="wrong data: {path} at {offset} is not what the image held before the damage",
        remedy="do not trust this path for data; report it with the kernel's release",
        ends_run=True,
        is_ours=True,
    ),
    Rule(
        step="DM_DEV_SUSPEND.*",
        codes=ABSENT,
        status=Status.FAILED,
        meaning="the device went away during the Run",
        remedy="see dmesg for why, and leave its device-mapper tables alone",
    ),
    *OPEN_DEVICE_RULES,
    Rule(
        step="requests in flight",
        codes=ABSENT,
        status=Status.SKIPPED,
        meaning="this kernel does not tell when a device is idle, so no read ahead can be timed",
        remedy="--set read=direct",
    ),
    Rule(
        step="reserve block",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="not enough memory for {blocks} blocks",
        remedy="free some, or --set blocks to less",
    ),
)
