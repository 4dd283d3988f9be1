"""``loadstone gate``: compare, as an exit code."""

from pathlib import Path

import click

from loadstone.cli._options import metric_option, results_option, threshold_option
from loadstone.errors import ExitCode
from loadstone.model import Comparison, Verdict


@click.command(short_help="Compare two Runs, as an exit code.")
@click.argument("base")
@click.argument("new")
@threshold_option
@metric_option
@results_option
def command(base: str, new: str, threshold: float, metric: str | None, results: Path) -> ExitCode:
    """Compare, and exit with 1 if a Case got slower, 3 if that is inconclusive, else 0."""
    from loadstone import api
    from loadstone.report import text

    comparison = api.compare(
        api.load(base, results=results), api.load(new, results=results), threshold, metric
    )
    text.print_comparison(comparison, text.console())
    return _code(comparison)


def _code(comparison: Comparison) -> ExitCode:
    verdicts = {effect.verdict for effect in comparison.effects}
    if Verdict.SLOWER in verdicts:
        return ExitCode.REGRESSION
    return ExitCode.NOT_MEASURED if Verdict.INCONCLUSIVE in verdicts else ExitCode.DONE
