"""``loadstone compare``: what changed from one Run to another."""

from pathlib import Path

import click

from loadstone.cli._options import (
    json_option,
    metric_option,
    reference_option,
    results_option,
    threshold_option,
)
from loadstone.cli._output import load, print_json
from loadstone.errors import ExitCode


@click.command(short_help="Compare two Runs: effect, interval, verdict, evidence.")
@click.argument("base")
@click.argument("new")
@threshold_option
@metric_option
@reference_option
@results_option
@json_option
def command(
    base: str,
    new: str,
    threshold: float,
    metric: str | None,
    references: tuple[Path, ...],
    results: Path,
    as_json: bool,
) -> ExitCode:
    """Compare NEW with BASE: effect, interval, verdict, and the evidence that changed with it.

    Both are a Run's path, its id or the beginning of it, `last` or `last~1`. Published
    changes of the same Cases are listed below the table.

    It leaves with 4 if a Trial of NEW failed, with 3 if NEW has no figures of a Case that BASE
    measured, else with 0, whatever the verdicts: `loadstone gate` makes exit codes of those.
    """
    from loadstone import api
    from loadstone.analysis.compare import NothingInCommonError
    from loadstone.analysis.exit_codes import unmeasured_code
    from loadstone.published.changes import all_postings, published_changes
    from loadstone.report import text
    from loadstone.report.json import comparison_json

    postings = all_postings(references)
    before, after = load(base, results), load(new, results)
    try:
        comparison = api.compare(before, after, threshold, metric)
    except NothingInCommonError as error:
        if as_json:
            print_json(comparison_json(error.comparison))
        raise
    published = published_changes(comparison, before, after, postings)
    if as_json:
        print_json(comparison_json(comparison, published))
    else:
        text.print_comparison(comparison, text.console(), published)
    return unmeasured_code(comparison)
