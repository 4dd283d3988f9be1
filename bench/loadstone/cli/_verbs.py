"""A group whose commands are the modules of its package, imported when needed."""

import pkgutil
import signal
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import click

from loadstone.cli._signals import Stopped
from loadstone.cli._words import check_words

# A module of such a name would hide a built-in, or cannot be.
_TAKEN = ("import", "list")


class Group(click.Group):
    """Checks the words of a command of it before click takes them."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, words = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            own = command.context_class(command, parent=ctx, info_name=name)
            check_words(command, own, words)
        return name, command, words


class Verbs(Group):
    """Finds its commands as modules of the package that its function stands in.

    A module has its command as ``command``; those that begin with ``_`` are none.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        names = (info.name for info in pkgutil.iter_modules(self._package.__path__))
        return sorted(name.rstrip("_") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"{self._package.__name__}.{_module_name(cmd_name)}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a closed pipe is passed on before click and rich make it exit code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise Stopped(signal.SIGPIPE) from error
        except SystemExit as error:
            if isinstance(error.__context__, BrokenPipeError):
                raise Stopped(signal.SIGPIPE) from error
            raise

    @property
    def _package(self) -> ModuleType:
        return sys.modules[self.callback.__module__]


def _module_name(verb: str) -> str:
    return f"{verb}_" if verb in _TAKEN else verb
