"""``loadstone plan``: what run would do."""

from typing import Any

import click

from loadstone.cli._options import (
    conditions_options,
    fio_options,
    plan_options,
    request_of,
    stop_options,
)


@click.command(short_help="Show what `run` would do with these options, in order.")
@plan_options
@fio_options
@stop_options
@conditions_options
def command(**said: Any) -> None:
    """Show exactly what `run` would do with these options, in order; touch nothing."""
    from loadstone.plan.request import make_plan
    from loadstone.report import text

    plan, remarks = make_plan(request_of(**said))
    text.print_plan(plan, remarks, text.console())
