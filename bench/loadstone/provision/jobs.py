"""Jobs that prepare: carried out, and what their errors mean."""

import errno

from loadstone.core.explain import describe
from loadstone.errors import LoadstoneError, UsageError
from loadstone.model import CoreError, Job, Outcome
from loadstone.targets import Target
from loadstone.text import printable

SMALLER = "take a smaller --size, or another --dir"


REMEDIES = {
    errno.EACCES: "run as a user who may, or give this one access (chmod)",
    errno.EFBIG: SMALLER,
    errno.EIO: "see dmesg for what its device says",
    errno.ENOSPC: f"free space, {SMALLER}",
    errno.EDQUOT: f"free space, {SMALLER}",
    errno.EROFS: "name a writable directory with --dir",
}
"""What to do about an errno, by its number."""


def execute(target: Target, job: Job) -> Outcome:
    """Carry out a Job that prepares.

    Raises:
        LoadstoneError: the core died of it.
    """
    outcome = target.execute(job)
    if outcome.crash:
        raise LoadstoneError(f"{job.operation} on {target.name}: {outcome.crash}")
    return outcome


def job_error(kind: type[LoadstoneError], error: CoreError, otherwise: str) -> LoadstoneError:
    """The error to raise for one that a preparing Job met; ``otherwise`` is the last remedy."""
    if error.code == errno.ENODATA:
        return UsageError(
            f"{printable(error.path)} shrank while it was read",
            remedy="keep it still, and run again",
        )
    return kind(f"{describe(error)}; {REMEDIES.get(error.code, otherwise)}")
