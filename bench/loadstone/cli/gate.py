"""``loadstone gate``: compare, as an exit code."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from loadstone.cli._options import (
    by_option,
    metric_option,
    results_option,
    threshold_option,
)
from loadstone.cli._sides import TwoSides, load_sides, runs_argument
from loadstone.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from loadstone.analysis.thresholds import Thresholds

# The first of several that holds.
_ORDER = (ExitCode.FAILED, ExitCode.REGRESSION, ExitCode.NOT_MEASURED, ExitCode.DONE)


@click.command(cls=TwoSides, short_help="Compare two Runs, as an exit code.")
@runs_argument
@by_option
@threshold_option
@click.option(
    "--thresholds",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TOML: a table for each metric to be compared, with its threshold, and those of Cases.",
)
@metric_option
@click.option(
    "--junit",
    type=click.Path(path_type=Path),
    metavar="FILE.xml",
    help="Write the verdicts as JUnit XML, too.",
)
@results_option
def command(
    runs: tuple[str, ...],
    by: str | None,
    threshold: float,
    thresholds: Path | None,
    metric: str | None,
    junit: Path | None,
    results: Path,
) -> ExitCode:
    """Compare NEW with BASE, or Cases of one Run (--by), and give the verdict as the exit code;
    the first that holds:

    \b
    4  a Trial of NEW failed: wrong data, a crash
    1  a Case got slower
    3  NEW has no figures of a Case that BASE measured (not in its plan,
       skipped, no valid Trial), or a Case is inconclusive
    0  every Case of BASE is as fast, or faster
    """
    from loadstone import api
    from loadstone.report import text

    limits = _limits(threshold, thresholds, metric)
    sides = load_sides(runs, by, results)
    comparisons = []
    for name, limit in limits.items():
        comparison = api.compare_sides(sides.bases, sides.news, limit, name, by)
        text.print_comparison(comparison, text.console())
        comparisons.append(comparison)
    if junit is not None:
        from loadstone.durable import write_named
        from loadstone.report.junit import junit_xml

        write_named(junit, junit_xml(comparisons), "JUnit file", (".xml",))
    return min(map(api.gate, comparisons), key=_ORDER.index)


def _limits(
    threshold: float, file: Path | None, metric: str | None
) -> "dict[str | None, float | Thresholds]":
    """By metric; None stands for the workload's first."""
    if file is None:
        return {metric: threshold}
    said = click.get_current_context().get_parameter_source("threshold")
    if metric is not None or said is ParameterSource.COMMANDLINE:
        raise UsageError(
            "--thresholds says which metrics, and how far each may move",
            remedy="leave --metric and --threshold out, or the file",
        )
    from loadstone.analysis.thresholds import read_thresholds

    return dict(read_thresholds(file).items())
