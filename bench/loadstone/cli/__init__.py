"""The ``loadstone`` command: one module a verb, found by pkgutil, imported when needed."""

import os
import pkgutil
import signal
import sys
from importlib import import_module
from types import FrameType

import click

from loadstone import __version__
from loadstone.errors import LoadstoneError


class _Verbs(click.Group):
    """Finds its commands as modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        names = (info.name for info in pkgutil.iter_modules(__path__))
        return sorted(name.rstrip("_") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"{__name__}.{_module_name(cmd_name)}")
        command: click.Command = module.command
        return command


def _module_name(verb: str) -> str:
    return f"{verb}_" if verb == "list" else verb


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="loadstone")
def cli() -> None:
    """Time how fast this device loads a model file into memory, and learn why.

    \b
    loadstone doctor                     what can be measured here
    loadstone run                        time every way on a generated file
    loadstone run --file model.gguf      … on your own, which is only read
    loadstone compare last~1 last        what changed between two runs
    """


def main() -> None:
    """Run the command and turn what goes wrong into one line and an exit code."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = cli.main(prog_name="loadstone", standalone_mode=False)
    except LoadstoneError as error:
        _complain(str(error), *getattr(error, "__notes__", ()))
        code = int(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        _complain("interrupted; what ended is kept: loadstone resume last", *_notes_of(error))
        _die_of(_signal_of(error))
    except BrokenPipeError:
        _die_of(signal.SIGPIPE)
    sys.exit(code)


class _Stopped(KeyboardInterrupt):
    """SIGTERM: the same way out as Ctrl-C."""


def _stop(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise _Stopped


def _notes_of(error: BaseException) -> tuple[str, ...]:
    return tuple(getattr(error, "__notes__", ()))


def _signal_of(error: BaseException) -> signal.Signals:
    return signal.SIGTERM if isinstance(error, _Stopped) else signal.SIGINT


def _die_of(number: signal.Signals) -> None:
    """End as the signal would have: callers tell an interrupted program from one that failed."""
    sys.stderr.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _complain(*lines: str) -> None:
    for line in lines:
        click.echo(f"loadstone: {line}", err=True)
