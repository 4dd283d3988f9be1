"""``loadstone gate``: compare, as an exit code."""

from pathlib import Path

import click

from loadstone.cli._options import metric_option, results_option, threshold_option
from loadstone.cli._output import load
from loadstone.errors import ExitCode


@click.command(short_help="Compare two Runs, as an exit code.")
@click.argument("base")
@click.argument("new")
@threshold_option
@metric_option
@results_option
def command(base: str, new: str, threshold: float, metric: str | None, results: Path) -> ExitCode:
    """Compare NEW with BASE, and give the verdict as the exit code; the first that holds:

    \b
    4  a Trial of NEW failed: wrong data, a crash
    1  a Case got slower
    3  NEW has no figures of a Case that BASE measured (not in its plan,
       skipped, no valid Trial), or a Case is inconclusive
    0  every Case of BASE is as fast, or faster
    """
    from loadstone import api
    from loadstone.report import text

    before, after = load(base, results), load(new, results)
    comparison = api.compare(before, after, threshold, metric)
    text.print_comparison(comparison, text.console())
    return api.gate(comparison)
