"""What errors of block devices mean, whatever workload meets them."""

import errno

from loadstone.explain import Rule
from loadstone.model import Finding, Status
from loadstone.worker import NO_ANSWER

DEVICE_RULES = (
    Rule(
        step=".*read|.*write|fsync|fdatasync|syncfs|read back|set cache state",
        codes=frozenset({errno.EIO}),
        status=Status.FAILED,
        meaning="the device failed",
        remedy="see dmesg for what it says; trust no figure of this device before it is mended",
    ),
    Rule(
        step=".*write|fsync|fdatasync",
        codes=frozenset({errno.ENOSPC}),
        status=Status.FAILED,
        meaning="the storage below the device ran full",
        remedy="free space there, or name another --dir or --device",
    ),
    Rule(
        step="start thread",
        codes=frozenset({errno.EAGAIN}),
        status=Status.SKIPPED,
        meaning="no more threads may be started here",
        remedy="--set threads to less, or raise the limit (ulimit -u)",
    ),
    Rule(
        step="block of the device",
        codes=frozenset({errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="the block must be a multiple of {offset} bytes on {path}",
        remedy="--set block={offset} or a multiple",
        is_ours=True,
    ),
    Rule(
        step="look at device",
        codes=frozenset({errno.ENOSPC}),
        status=Status.SKIPPED,
        meaning="{path} is smaller than one block",
        remedy="--set block to less",
        is_ours=True,
    ),
)


def died(death: str) -> Finding:
    """What is said of a Trial that had no answer: of a device that hangs, no other has one."""
    return Finding(
        status=Status.FAILED,
        reason=death,
        remedy="see dmesg; a device that hangs needs mending, a slow one less to do",
        ends_run=death.startswith(NO_ANSWER),
    )
