"""``loadstone advise``: the fastest way to load a file on a device, with confidence."""

from pathlib import Path
from typing import Any

import click

from loadstone.cli._options import (
    access_options,
    conditions_options,
    json_option,
    option,
    quiet_option,
    request_of,
    results_option,
    target_option,
)
from loadstone.cli._output import advise, watch
from loadstone.errors import ExitCode, UsageError
from loadstone.targets.access import Access
from loadstone.text import printable
from loadstone.units import parse_duration


@click.command(short_help="The fastest way to load a file on this device.")
@option("--file", metavar="FILE", help="Model file to load; opened read-only.")
@option("--dir", "directory", metavar="DIR", help="Where a file may be made.")
@option("--size", metavar="SIZE", help="Size of the file that is made [1GiB].")
@click.option(
    "--into",
    type=click.Choice(["anon", "dma-buf", "any"]),
    default="any",
    show_default=True,
    help="The memory to load into: a process's own, what an accelerator takes, or whatever is "
    "fastest.",
)
@click.option(
    "--budget",
    default="5m",
    show_default=True,
    metavar="TIME",
    help="How long it may take, 90s, 10m or 1h.",
)
@click.option(
    "--thorough",
    is_flag=True,
    help="Try the best and the plain ways under memory pressure and on a second load, too.",
)
@option("--seed", type=int, metavar="N", help="Fixes the order [random, recorded].")
@target_option
@access_options
@conditions_options
@results_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PLAN.toml",
    help="Write a plan file that repeats the best and the plain ways.",
)
@json_option
@quiet_option
def command(
    into: str,
    budget: str,
    thorough: bool,
    target: str,
    access: Access,
    results: Path,
    output: Path | None,
    as_json: bool,
    quiet: bool,
    **said: Any,
) -> ExitCode:
    """Find the fastest way to load a file on this device, and say how sure that is.

    Ways of loading race in rounds, each load from a proven cold cache and verified; who is shown to
    be slower is out. It is one Run of model-load: `loadstone show` prints it again, `loadstone
    resume` goes on with it.
    """
    from loadstone import api
    from loadstone.plan.race import RaceRequest
    from loadstone.workloads.entrants import Into

    if output is not None and output.suffix != ".toml":
        raise UsageError(
            f"--output {printable(str(output))}: a plan file's name ends in .toml",
            remedy="write such a name",
        )
    race = RaceRequest(into=Into(into), budget_s=_budget_s(budget), is_thorough=thorough)
    request = request_of(**said)
    with watch(quiet) as observer:
        run = api.start_race(
            request, race, target=target, results=results, observer=observer, access=access
        )
    return advise(run, output, as_json)


def _budget_s(text: str) -> float:
    try:
        return parse_duration(text)
    except UsageError as error:
        raise error.within(f"--budget {printable(text)}") from None
