"""``loadstone run``: time Cases."""

from pathlib import Path
from typing import Any

import click

from loadstone.cli._options import (
    conditions_options,
    json_option,
    option,
    plan_options,
    quiet_option,
    request_of,
    results_option,
)
from loadstone.cli._output import finish, watch
from loadstone.errors import ExitCode


@click.command()
@plan_options
@conditions_options
@option("--target", default="local", show_default=True, help="Where to run.")
@results_option
@json_option
@quiet_option
def command(target: str, results: Path, as_json: bool, quiet: bool, **said: Any) -> ExitCode:
    """Time the Cases of WHAT: a workload's name, or a plan file (….toml).

    Without WHAT: model-load. Without --file a model of 1 GiB is made and removed again.
    Every Trial is on disk when the next begins; `loadstone resume` finishes what was cut off.
    """
    from loadstone import api

    with watch(quiet) as observer:
        run = api.start(request_of(**said), target=target, results=results, observer=observer)
    return finish(run, as_json)
