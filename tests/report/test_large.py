"""A report over many Trials stays small enough to be mailed."""

import pytest

from loadstone.report import html
from report.many_trials import MANY, run_of_many

_MOST_BYTES = 3_000_000


@pytest.mark.parametrize("case_count", [10, 1000])
def test_a_report_over_ten_thousand_trials_has_less_than_three_megabytes(case_count: int) -> None:
    run = run_of_many(case_count, MANY // case_count)
    assert len(run.trials) == MANY
    assert len(html.render([run]).encode()) < _MOST_BYTES


def test_of_many_cases_the_best_are_drawn_and_all_are_in_the_tables() -> None:
    run = run_of_many(html.MOST_DRAWN + 7, 1)
    text = html.render([run])
    assert text.count('<figure class="timeline">') == html.MOST_DRAWN
    assert f"Of the {html.MOST_DRAWN} best Cases; 7 more are in the table of figures." in text
    assert all(f">{case.label}<" in text for case in run.manifest.plan.cases)
