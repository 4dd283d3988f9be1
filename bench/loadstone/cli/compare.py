"""``loadstone compare``: what changed from one Run to another."""

from pathlib import Path

import click

from loadstone.cli._options import (
    by_option,
    json_option,
    markdown_option,
    metric_option,
    reference_option,
    results_option,
    threshold_option,
)
from loadstone.cli._output import print_json
from loadstone.cli._sides import TwoSides, load_sides, runs_argument
from loadstone.cli._streams import write_data
from loadstone.errors import ExitCode


@click.command(cls=TwoSides, short_help="Compare Runs, or Cases of one: effect, interval, verdict.")
@runs_argument
@by_option
@threshold_option
@metric_option
@reference_option
@results_option
@markdown_option
@json_option
def command(
    runs: tuple[str, ...],
    by: str | None,
    threshold: float,
    metric: str | None,
    references: tuple[Path, ...],
    results: Path,
    as_json: bool,
    as_markdown: bool,
) -> ExitCode:
    """Compare NEW with BASE: effect, interval, verdict, and the evidence that changed with it.

    Both are a Run's path, its id or the beginning of it, `last` or `last~1`. Published
    changes of the same Cases are listed below the table. `compare RUN --by PARAMETER` compares
    Cases of one Run: rounds are interleaved there, so what the machine does meanwhile meets all.
    `compare BASE... -- NEW...` compares several Runs with several: a Run is then one figure.

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
    sides = load_sides(runs, by, results)
    try:
        comparison = api.compare_sides(sides.bases, sides.news, threshold, metric, by)
    except NothingInCommonError as error:
        if as_json:
            print_json(comparison_json(error.comparison))
        raise
    one_each = len(sides.bases) == len(sides.news) == 1
    published = (
        published_changes(comparison, sides.bases[0], sides.news[0], postings) if one_each else None
    )
    if as_json:
        print_json(comparison_json(comparison, published))
    elif as_markdown:
        from loadstone.report.markdown import comparison_markdown

        write_data(comparison_markdown(comparison, (*sides.bases, *sides.news), published))
    else:
        text.print_comparison(comparison, text.console(), published)
    return unmeasured_code(comparison)
