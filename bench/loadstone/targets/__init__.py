"""Where Jobs run. Each module of this package with a ``SCHEME`` is a kind of Target.

A target module has

- ``SCHEME``, the word before the colon in ``--target``, and ``SUMMARY``;
- ``IS_THIS_MACHINE``, as its Targets have it;
- ``EXAMPLE_FILE``, a path where a user may have a model file there;
- ``connect(address, results, access)``, a context manager that yields a Target.

One whose devices can be listed has ``discover()``, which returns them as ``FoundDevice``, and
``HOW_TO_CONNECT``, what to do where it finds none.
"""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from loadstone.errors import UsageError
from loadstone.model import Environment, Job, Noun, Outcome
from loadstone.targets.access import Access

if TYPE_CHECKING:
    from loadstone.targets.shell import ShellEnd

Say = Callable[[str], None]


class FoundDevice(Noun, frozen=True, kw_only=True):
    """A device that a kind of Target sees; ``problem`` is None where it can be worked with."""

    target: str
    about: str | None
    problem: str | None
    remedy: str | None


class Target(Protocol):
    """A device that can run commands, hold files and execute Jobs."""

    name: str
    is_this_machine: bool
    """Whether programs that this process starts, and files that it opens, are the Target's."""
    lost_remedy: str
    """What to check where the Target went away during a Trial."""

    def environment(self, path: str | None) -> Environment:
        """The facts at this time; those of ``path``'s file system and device if given."""

    def samples(self, path: str | None) -> tuple[str, ...]:
        """Kernel files worth reading around a timed region on ``path``."""

    def execute(self, job: Job) -> Outcome:
        """Carry out a Job; a crash of the core is an Outcome with ``crash``.

        Raises:
            InterruptedRunError: another thread called ``interrupt``.
            TargetError: the Target cannot carry out Jobs.
        """

    def scratch(self) -> Path:
        """A directory on the Target for small files of this Run.

        Raises:
            RunError: it cannot be made.
        """

    def run_command(self, *words: str) -> str:
        """Run a command and return its standard output.

        Raises:
            TargetError: it could not be run, or failed.
        """

    def run_shell(self, command: str, directory: str, limit_s: float) -> "ShellEnd":
        """Run a command of the user's by the Target's shell, and end all that is left of it.

        Its standard input is /dev/null, and its output goes nowhere.

        Args:
            directory: that it starts in, on this machine; elsewhere it is the shell's own.

        Raises:
            CannotMeasureError: it cannot be started.
            InterruptedRunError: another thread called ``interrupt``.
            TargetLostError: the Target went away.
        """

    def user_name(self) -> str:
        """Who runs commands there.

        Raises:
            TargetError: that cannot be found out.
        """

    def read_text(self, path: str) -> str | None:
        """A small file's text, or None where it cannot be read."""

    def read_texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        """The texts of those small files that can be read, by path, in one round trip."""

    def write_text(self, path: str, text: str) -> None:
        """Replace a small file's text.

        Raises:
            TargetError: it cannot be written.
        """

    def remove_file(self, path: str) -> None:
        """Unlink a file; one that is already gone is fine."""

    def interrupt(self) -> None:
        """From another thread: cancel the Job that is carried out; ``execute`` raises there."""

    def await_return(self, say: Say) -> None:
        """After an Outcome with ``target_lost``: return when the Target answers again.

        Raises:
            TargetError: it stayed away for too long.
        """


def schemes() -> Mapping[str, ModuleType]:
    """The kinds of Target there are, by the word that selects them."""
    modules = (import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    return {module.SCHEME: module for module in modules if hasattr(module, "SCHEME")}


def is_this_machine(text: str) -> bool:
    """Whether the files of the Target that ``--target`` names are this machine's."""
    kind = schemes().get(text.partition(":")[0])
    return kind is None or kind.IS_THIS_MACHINE


def can_connect(text: str) -> bool:
    """Whether there is a kind of Target for the name; a Run may be of one that is gone for good."""
    return text.partition(":")[0] in schemes()


def example_file(text: str) -> str:
    """A path where a user may have a model file on the Target that ``--target`` names."""
    return str(schemes()[text.partition(":")[0]].EXAMPLE_FILE)


def connect(
    text: str, results: Path, access: Access | None = None
) -> AbstractContextManager[Target]:
    """Open the Target that ``--target`` names: ``local``, or ``SCHEME:ADDRESS``.

    Raises:
        UsageError: there is no such kind of target.
    """
    scheme, _, address = text.partition(":")
    known = schemes()
    if scheme not in known:
        raise UsageError(
            f"--target {text}: no such kind of target", remedy=f"take one of {', '.join(known)}"
        )
    target: AbstractContextManager[Target] = known[scheme].connect(
        address, results, access or Access()
    )
    return target


def discover() -> tuple[FoundDevice, ...]:
    """The devices that those kinds of Target see which can list theirs.

    Raises:
        CannotMeasureError: the program that lists them is missing, or fails.
    """
    return tuple(found for module in _listing_kinds() for found in module.discover())


def how_to_connect() -> str:
    """What to do so that ``discover`` finds a device."""
    return "; or ".join(module.HOW_TO_CONNECT for module in _listing_kinds())


def _listing_kinds() -> tuple[ModuleType, ...]:
    return tuple(module for module in schemes().values() if hasattr(module, "discover"))
