"""``loadstone resume``: finish a Run."""

from pathlib import Path

import click

from loadstone.cli._options import access_options, json_option, quiet_option, results_option
from loadstone.cli._output import finish, watch
from loadstone.errors import ExitCode
from loadstone.targets.access import Access


@click.command(short_help="Finish a Run that was interrupted.")
@click.argument("run", default="last")
@access_options
@results_option
@json_option
@quiet_option
def command(run: str, access: Access, results: Path, as_json: bool, quiet: bool) -> ExitCode:
    """Finish RUN: its path, its id or the beginning of it, `last` or `last~1`."""
    from loadstone import api

    with watch(quiet) as observer:
        resumed = api.resume(run, results=results, observer=observer, access=access)
    return finish(resumed, as_json, quiet)
