"""What each error of dm-flush means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import DEVICE_RULES, Rule
from loadstone.model import Status

RULES = (
    Rule(
        step="RWF_DSYNC write",
        codes=frozenset({errno.EOPNOTSUPP, errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="this kernel has no RWF_DSYNC",
        remedy="--set sync=fdatasync",
    ),
    *DEVICE_RULES,
)
