"""Everything that can go wrong, each with the exit code that it becomes."""

import errno
import os
from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """What ``loadstone`` returns to its caller."""

    DONE = 0
    REGRESSION = 1
    USAGE = 2
    NOT_MEASURED = 3
    FAILED = 4
    FAULT = 5


_NOT_EVEN_ROOT = "run where root has this right, outside of the container or sandbox"


class LoadstoneError(Exception):
    """A problem the user can act on: what was tried on what, the system's words, what to do.

    Args:
        what: what was tried on what, and what the system said.
        remedy: what to do about it; None where nothing is known.

    ``details`` are lines of somebody else's to be shown below it: a console's last, say.
    """

    exit_code = ExitCode.FAILED
    details: tuple[str, ...] = ()

    def __init__(self, what: str, *, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return with_remedy(self.what, self.remedy)

    def within(self, place: str) -> Self:
        """The same error with its place in front: an option, a key, a line of a file."""
        error = type(self)(f"{place}: {self.what}", remedy=self.remedy)
        error.details = self.details
        return error


class UsageError(LoadstoneError):
    """The request itself is wrong: an unknown name, a bad value, a missing file."""

    exit_code = ExitCode.USAGE


class CannotMeasureError(LoadstoneError):
    """The request is fine, but this target cannot carry it out."""

    exit_code = ExitCode.NOT_MEASURED


class TrialFailedError(LoadstoneError):
    """What one Trial needs could not be set up: that one failed, and the Run goes on."""


class RunError(LoadstoneError):
    """A Run on disk cannot be written, read or trusted."""

    exit_code = ExitCode.USAGE


class TargetError(LoadstoneError):
    """The target stopped answering."""


class TargetLostError(TargetError):
    """The target is gone: unplugged, rebooting, or what served it has ended."""


class InterruptedRunError(LoadstoneError):
    """The user stopped the Run; what had finished is kept."""


def as_root() -> str:
    """What to do about a right of root: who is root already may lack it, in a container."""
    return "run as root" if os.geteuid() else _NOT_EVEN_ROOT


def for_user(remedy: str | None, *, is_root: bool) -> str | None:
    """A remedy for who is root, or is not: root is not told to be root."""
    return remedy.replace("run as root", _NOT_EVEN_ROOT) if remedy and is_root else remedy


def with_remedy(what: str, remedy: str | None) -> str:
    """The printed form of what was wrong and what to do about it."""
    return f"{what}; {remedy}" if remedy else what


def system_words(code: int) -> str:
    """The system's own words for an errno, with its name: ``Invalid argument (EINVAL)``."""
    code = abs(code)
    return f"{os.strerror(code)} ({errno.errorcode.get(code, code)})"
