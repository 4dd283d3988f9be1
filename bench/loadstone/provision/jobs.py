"""Jobs that prepare: carried out, and what their errors mean."""

import errno

from loadstone.core.explain import describe
from loadstone.errors import LoadstoneError, UsageError
from loadstone.model import CoreError, Job, Outcome
from loadstone.targets import Target
from loadstone.text import printable

OTHER_PLACE = "free space, or name another directory with --dir"

REMEDIES = {
    errno.EACCES: "run as a user who may, or give this one access (chmod)",
    errno.EFBIG: "name a directory of another file system with --dir",
    errno.EIO: "see dmesg for what its device says",
    errno.ENOSPC: OTHER_PLACE,
    errno.EDQUOT: OTHER_PLACE,
    errno.EROFS: "name a writable directory with --dir",
}
"""What to do about an errno, by its number."""

_TOO_LARGE = (errno.EFBIG, errno.ENOSPC, errno.EDQUOT)


def execute(target: Target, job: Job) -> Outcome:
    """Carry out a Job that prepares.

    Raises:
        LoadstoneError: the core died of it.
    """
    outcome = target.execute(job)
    if outcome.crash:
        raise LoadstoneError(
            f"{job.operation} on {target.name}: {outcome.crash}",
            remedy="see dmesg there for why its process died, then run again",
        )
    return outcome


def job_error(
    kind: type[LoadstoneError], error: CoreError, otherwise: str, smaller: str | None = None
) -> LoadstoneError:
    """The error to raise for one that a preparing Job met.

    Args:
        otherwise: the remedy where the errno has none.
        smaller: how the user has less written, where that is possible.
    """
    if error.code == errno.ENODATA:
        return UsageError(
            f"{printable(error.path)} shrank while it was read",
            remedy="keep it still, and run again",
        )
    remedy = REMEDIES.get(error.code, otherwise)
    if smaller and error.code in _TOO_LARGE:
        remedy = f"{smaller}, or {remedy}"
    return kind(describe(error), remedy=remedy)
