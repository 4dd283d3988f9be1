"""The ``loadstone`` command: one module a verb, found by pkgutil, imported when needed."""

import errno
import os
import signal
import sys
import traceback

import click
from click.core import ParameterSource

from loadstone._version import __version__
from loadstone.cli._signals import Stopped, die_of, take_signals
from loadstone.cli._verbs import Verbs
from loadstone.errors import ExitCode, LoadstoneError, system_words
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
    _open_standard_streams()
    take_signals()
    try:
        code = _run()
    except Stopped as error:
        if error.number is not signal.SIGPIPE:
            _complain(f"stopped by {error.number.name}", *_notes_of(error))
        die_of(error.number)
    except BrokenPipeError:
        die_of(signal.SIGPIPE)
    except Exception:  # noqa: BLE001  # Python's own exit code 1 would be a verdict of `gate`
        code = _report_fault()
    sys.exit(code)


def _report_fault() -> int:
    """Show the exception that nothing in the program expected."""
    traceback.print_exc()
    _complain("this is a fault of loadstone itself", "report it with the lines above")
    return int(ExitCode.FAULT)


def _open_standard_streams() -> None:
    """Where a stream was closed (``>&-``), a file opened later would be printed into."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = os.fdopen(os.open(os.devnull, os.O_RDWR), "r" if name == "stdin" else "w")
            setattr(sys, name, stream)


def _run() -> int:
    try:
        code = _code_of_command()
        sys.stdout.flush()
    except LoadstoneError as error:
        for line in error.details:
            click.echo(f"    {printable(line)}", err=True)
        _complain(str(error), *_notes_of(error))
        code = int(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = int(ExitCode.DONE)
    except click.ClickException as error:
        _complain(*_words_of(error))
        code = int(ExitCode.USAGE)
    except OSError as error:
        # Nothing else writes without saying where.
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        _complain(f"cannot write to standard output: {system_words(errno.ENOSPC)}", "free space")
        # What is still buffered would be tried again at exit, and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = int(ExitCode.FAILED)
    return code


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
