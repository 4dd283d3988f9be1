"""A report over many Trials stays small enough to be mailed."""

from loadstone.report import html
from report.many_trials import MANY, run_of_many

_MOST_BYTES = 3_000_000


def test_a_report_over_ten_thousand_trials_has_less_than_three_megabytes() -> None:
    run = run_of_many(100, 100)
    assert len(run.trials) == MANY
    assert len(html.render([run]).encode()) < _MOST_BYTES


def test_of_many_cases_the_best_are_drawn_and_all_are_in_the_tables() -> None:
    run = run_of_many(html.MOST_DRAWN + 7, 1)
    text = html.render([run])
    assert text.count('<figure class="timeline">') == html.MOST_DRAWN
    assert f"Of the {html.MOST_DRAWN} best Cases; 7 more are in the tables." in text
    assert all(f">{case.label}<" in text for case in run.manifest.plan.cases)
