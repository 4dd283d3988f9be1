"""Knobs that are commands of the user's: run before a Trial, and the first once more at the end.

Whoever can write a Record of one could have anybody who cleans run what he likes. So a Record that
was found is followed only where nobody else can have written it (``journal_files``).
"""

import contextlib
from collections.abc import Iterator, Mapping

import msgspec

from loadstone.errors import CannotMeasureError
from loadstone.model import Noun
from loadstone.provision.journal import Journal
from loadstone.provision.record import Entry
from loadstone.provision.removers import COMMAND, RecordedCommand
from loadstone.targets import Target
from loadstone.targets.shell import LIMIT_S, working_directory


class CommandKnob(Noun, frozen=True, kw_only=True):
    """A knob whose values are shell commands, each in square brackets.

    ``put_back`` is the first of them, and ``entry`` has it in the journal.
    """

    name: str
    put_back: str
    entry: Entry
    directory: str
    limit_s: float = LIMIT_S

    def set(self, target: Target, value: str) -> None:
        """Run a command.

        Raises:
            CannotMeasureError: it failed, was killed, or took too long.
            TargetLostError: the Target went away.
        """
        command = value[1:-1]
        problem = target.run_shell(command, self.directory, self.limit_s).problem
        if problem is not None:
            raise CannotMeasureError(
                f"--knob {self.name}={value}: {problem}",
                remedy=f"try it by hand in sh; it has to end with 0 within {self.limit_s:g} s",
            )

    def other_value(self, target: Target, value: str) -> str | None:
        """None: what a command did cannot be read back."""
        del target, value
        return None


@contextlib.contextmanager
def kept_commands(
    journal: Journal, first: Mapping[str, str], limit_s: float = LIMIT_S
) -> Iterator[Mapping[str, CommandKnob]]:
    """Knobs that are commands, by name; at the end the first command of each is run.

    Args:
        first: by name the command that makes the state that is left behind.

    Raises:
        RunError: the journal cannot be written; or at the end, a command failed.
    """
    directory, knobs = working_directory(), dict[str, CommandKnob]()
    with contextlib.ExitStack() as stack:
        for name, command in first.items():
            recorded = RecordedCommand(command=command, directory=directory)
            detail = msgspec.json.encode(recorded).decode()
            knobs[name] = CommandKnob(
                name=name,
                put_back=f"[{command}]",
                entry=stack.enter_context(journal.registered(COMMAND, name, detail)),
                directory=directory,
                limit_s=limit_s,
            )
        yield knobs
