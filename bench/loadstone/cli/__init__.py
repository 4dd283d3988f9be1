"""The ``loadstone`` command: one module a verb, found by pkgutil, imported when needed."""

import os
import signal
import sys
import traceback

import click
from click.core import ParameterSource

from loadstone._version import __version__
from loadstone.cli._limits import is_directory_gone, limit_met
from loadstone.cli._signals import Stopped, die_of, take_signals
from loadstone.cli._streams import adapt_standard_streams
from loadstone.cli._verbs import Verbs
from loadstone.errors import ExitCode, LoadstoneError
from loadstone.text import printable


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
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
    """Run the command and turn each error into one line and an exit code."""
    adapt_standard_streams()
    # The threads of a library that multiplies no matrix here: they cost memory and processes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    take_signals()
    try:
        code = _run()
    except Stopped as error:
        if error.number is not signal.SIGPIPE:
            _complain(f"stopped by {error.number.name}", *_notes_of(error))
        die_of(error.number)
    except BrokenPipeError:
        die_of(signal.SIGPIPE)
    except Exception as error:  # noqa: BLE001  # Python's own exit code 1 would be a verdict of `gate`
        limit = limit_met(error)
        code = _report_fault() if limit is None else _report(limit, *_notes_of(error))
    sys.exit(code)


def _report_fault() -> int:
    """Show the exception that nothing in the program expected."""
    traceback.print_exc()
    _complain("this is a fault of loadstone itself", "report it with the lines above")
    return int(ExitCode.FAULT)


def _run() -> int:
    try:
        code = _code_of_command()
        sys.stdout.flush()
    except LoadstoneError as error:
        gone = ("the working directory was removed",) if is_directory_gone() else ()
        code = _report(limit_met(error) or error, *_notes_of(error), *gone)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = int(ExitCode.DONE)
    except click.ClickException as error:
        _complain(*_words_of(error))
        code = int(ExitCode.USAGE)
    return code


def _report(error: LoadstoneError, *notes: str) -> int:
    """Print an error in one line, below it what was added; its exit code."""
    for line in error.details:
        click.echo(f"    {printable(line)}", err=True)
    _complain(str(error), *notes)
    return int(error.exit_code)


def _code_of_command() -> int:
    try:
        return int(cli.main(prog_name="loadstone", standalone_mode=False) or 0)
    except SystemExit as error:
        return int(error.code or 0)


def _notes_of(error: BaseException) -> tuple[str, ...]:
    return tuple(getattr(error, "__notes__", ()))


def _words_of(error: click.ClickException) -> tuple[str, ...]:
    words = error.format_message().rstrip(".")
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    if context is None:
        return (words,)
    if parameter is not None and parameter.name is not None:
        source = context.get_parameter_source(parameter.name)
        if source is ParameterSource.ENVIRONMENT:
            words += f" (from {parameter.envvar})"
    return words, f"see `{context.command_path} --help`"


def _complain(*words: str) -> None:
    line = "; ".join(words).replace("\n", "; ")
    click.echo(f"loadstone: {printable(line)}", err=True)
