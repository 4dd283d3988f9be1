"""``loadstone compare``: what changed from one Run to another."""

from pathlib import Path

import click

from loadstone.cli._options import json_option, results_option, threshold_option
from loadstone.cli._output import print_json


@click.command()
@click.argument("base")
@click.argument("new")
@threshold_option
@results_option
@json_option
def command(base: str, new: str, threshold: float, results: Path, as_json: bool) -> None:
    """Hold NEW against BASE: effect, interval, verdict, and the evidence that moved with it.

    Both are a Run's path, its id or the beginning of it, `last` or `last~1`.
    """
    from loadstone import api
    from loadstone.compare import comparison_json
    from loadstone.report import text

    comparison = api.compare(
        api.load(base, results=results), api.load(new, results=results), threshold
    )
    if as_json:
        print_json(comparison_json(comparison))
    else:
        text.print_comparison(comparison, text.console())
