"""How a Trial went is drawn by the series that its Workload names."""

import pytest

from loadstone.model import Case, Column, Curves, Run
from loadstone.report import html
from loadstone.workloads import workload
from report.pages import Page, good_trial, run_with

_CURVES = Curves(
    columns=(
        Column(heading="slowest", name="max_ns", unit="ns"),
        Column(heading="of another kernel", name="not_told", unit="count"),
    ),
    about="equal numbers of reads",
    timed_from=0.5,
)


@pytest.fixture(autouse=True)
def _named_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload("model-load"), "curves", _CURVES, raising=True)


_COUNT = 9


def _run(*figures: float) -> Run:
    """Of more Cases than can be told apart on common axes."""
    series = {"max_ns": figures} if figures else {}
    cases = tuple(Case.of("model-load", f"case {n}", {"engine": str(n)}) for n in range(_COUNT))
    return run_with(*(good_trial(case, 0, 1e9, series=series) for case in cases), cases=cases)


def test_each_case_has_a_curve_of_each_series_and_one_that_is_missing_is_unknown() -> None:
    page = Page(html.render([_run(1e6, 4e6, 2e6)]))
    assert "How it went" in page.text
    assert "equal numbers of reads; what is right of the line was timed" in page.text
    assert page.count("polyline", **{"class": "curve"}) == _COUNT
    assert "1.00 ms to 4.00 ms" in page.text
    assert page.text.split("How it went")[1].split("Figures")[0].count("unknown") == _COUNT


def test_points_are_in_percent_of_the_largest_of_the_column() -> None:
    text = html.render([_run(0.0, 4e6)])
    assert 'points="25.00,100.00 75.00,4.00"' in text


def test_trials_without_series_have_no_such_picture() -> None:
    assert "How it went" not in html.render([_run()])
