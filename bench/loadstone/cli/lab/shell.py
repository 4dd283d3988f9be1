"""``loadstone lab shell``: a shell in a guest."""

from pathlib import Path
from typing import Any

import click

from loadstone.cli._options import results_option
from loadstone.cli.lab._options import find_kernels, guest_options, module_option
from loadstone.errors import ExitCode, UsageError


@click.command(short_help="Open a shell in a guest of a kernel.")
@click.option(
    "--kernel",
    required=True,
    metavar="KERNEL",
    help="A fetched kernel, VMLINUZ[:MODULES_DIR], or a build tree.",
)
@module_option
@guest_options
@results_option
def command(
    kernel: str, modules: tuple[Path, ...], results: Path, verbose: bool, **guest: Any
) -> ExitCode:
    """Open a shell in a guest of KERNEL: the storage set up, `loadstone` on PATH.

    The root file system is this machine's, read-only. Leave with `exit`; ^A x ends the guest
    at once.
    """
    import sys

    from loadstone.lab.setup import make_setup
    from loadstone.lab.shell import run_shell

    del verbose
    if not sys.stdin.isatty():
        raise UsageError("a shell needs a terminal", remedy="`loadstone lab run` is for scripts")

    def say(text: str) -> None:
        click.echo(text, err=True)

    found = find_kernels((kernel,), modules, say)
    setup = make_setup(found, say=say, boots=1, limit_s=1.0, **guest)
    return ExitCode.FAILED if run_shell(found[0], setup, results) else ExitCode.DONE
