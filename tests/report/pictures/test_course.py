"""How a Trial of each Case went is drawn on common axes, as long as they can be told apart."""

import pytest

from loadstone.model import Column, Curves, Run
from loadstone.report import html
from loadstone.report.pictures.course import course_drawing
from loadstone.report.pictures.drawing import XYPanel
from loadstone.report.strips import reported
from loadstone.workloads import workload
from report.pages import FAST, SLOW, Page, good_trial, run_with

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


def _run() -> Run:
    return run_with(
        good_trial(FAST, 0, 2e9, series={"max_ns": (1e6, 4e6)}),
        good_trial(SLOW, 0, 1e9, series={"max_ns": (3e6, 2e6)}),
        cases=(FAST, SLOW),
    )


def test_a_series_is_a_line_of_each_case_and_one_that_no_trial_has_is_left_out() -> None:
    drawing = course_drawing(reported(_run()))
    assert drawing is not None
    (panel,) = drawing.panels
    assert isinstance(panel, XYPanel)
    assert panel.heading == "slowest, ms"
    assert [[(mark.x, mark.y) for mark in line.marks] for line in panel.lines] == [
        [(25, 1e6), (75, 4e6)],
        [(25, 3e6), (75, 2e6)],
    ]
    assert panel.timed_from == 50
    assert [key.text for key in drawing.keys] == ["fast", "slow"]


def test_the_page_says_what_was_timed() -> None:
    page = Page(html.render([_run()]))
    assert "equal numbers of reads; what is right of the line was timed" in page.text
    assert page.count("polyline") == 2 * 2
