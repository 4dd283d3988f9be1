"""``loadstone run``: time Cases."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadstone.cli._options import (
    access_options,
    conditions_options,
    fio_options,
    json_option,
    plan_options,
    quiet_option,
    request_of,
    results_option,
    stop_options,
    target_option,
)
from loadstone.cli._output import finish, finish_each, watch, watch_each
from loadstone.errors import ExitCode, UsageError
from loadstone.targets.access import Access

if TYPE_CHECKING:
    from loadstone.plan.request import Request


@click.command(short_help="Time the Cases of a workload or of a plan file.")
@plan_options
@fio_options
@stop_options
@target_option
@access_options
@conditions_options
@results_option
@json_option
@quiet_option
def command(
    target: str, access: Access, results: Path, as_json: bool, quiet: bool, **said: Any
) -> ExitCode:
    """Time the Cases of WHAT: a workload's name, or a plan file (….toml).

    Without WHAT: model-load, or the jobs of --fio. Without --file a model of 1 GiB is made and
    removed again.
    Every Trial is on disk when the next begins; `loadstone resume` finishes what was cut off.

    Several targets, parted by commas, carry out the same plan side by side, a run each.
    """
    from loadstone import api

    request = request_of(**said)
    names = target.split(",")
    if len(names) > 1:
        return _side_by_side(request, names, access, results, as_json, quiet)
    with watch(quiet) as observer:
        run = api.start(request, target=target, results=results, observer=observer, access=access)
    return finish(run, as_json, quiet)


def _side_by_side(
    request: "Request",
    names: list[str],
    access: Access,
    results: Path,
    as_json: bool,
    quiet: bool,
) -> ExitCode:
    from loadstone import api

    if len(set(names)) < len(names):
        raise UsageError(f"--target {','.join(names)}: names one twice", remedy="name each once")
    with watch_each(names, quiet) as observers:
        ended = api.start_each(request, observers=observers, results=results, access=access)
    return finish_each(ended, as_json, quiet)
