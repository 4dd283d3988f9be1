"""A report of several Runs leads with what is faster and slower, and by how much."""

from itertools import pairwise

import pytest

from analysis.runs import STEADY, run_with
from loadstone.analysis.comparison import Verdict
from loadstone.report import html
from loadstone.report.forest import forests
from report.pages import Page


def test_each_run_is_held_against_the_first_better_to_the_right() -> None:
    faster = [1.2 * figure for figure in STEADY]
    runs = [
        run_with("a", {"one": STEADY, "two": STEADY}),
        run_with("b", {"one": faster, "two": STEADY[::-1]}, hour=1),
        run_with("c", {"one": [figure / 1.2 for figure in STEADY]}, hour=2),
    ]
    second, third = forests(runs)
    assert (second.title, third.title) == ("Run 2 against Run 1", "Run 3 against Run 1")
    one, two = second.rows
    assert (one.verdict, two.verdict) == (Verdict.FASTER, Verdict.SAME)
    assert second.band[0] < 50 < second.band[1] < one.low <= one.at <= one.high <= 100
    assert second.band[0] < two.low <= two.high < second.band[1]
    (slower,) = third.rows
    assert slower.verdict is Verdict.SLOWER
    assert slower.high < third.band[0]
    # As far to one side as the other's to the other.
    assert slower.at == pytest.approx(100 - one.at, abs=1)
    assert slower.moved == ("nothing recorded explains it",)


def test_marks_do_not_overlap_and_one_is_nothing() -> None:
    factors = (1, 5, 0.2, 3, 1, 9, 2, 1)
    wide = [figure * factor for figure, factor in zip(STEADY, factors, strict=True)]
    (plot,) = forests([run_with("a", {"x": STEADY}), run_with("b", {"x": wide}, hour=1)])
    places = [tick.at for tick in plot.ticks]
    assert all(after - before >= 9 for before, after in pairwise(places))
    assert [tick.at for tick in plot.ticks if tick.label == "0 %"] == [50]
    (row,) = plot.rows
    assert 0 <= row.low <= row.high <= 100


def test_the_page_leads_with_it_and_says_what_it_rests_on() -> None:
    runs = [run_with("a", {"one": STEADY}), run_with("b", {"one": STEADY}, hour=1)]
    page = Page(html.render(runs))
    assert page.text.index("Run 2 against Run 1") < page.text.index("Only the Cases")
    assert "one Run against one: what changed between them besides is not ruled out" in page.text


def test_a_run_of_its_own_and_runs_without_a_case_in_common_have_none() -> None:
    assert forests([run_with("a", {"one": STEADY})]) == []
    assert forests([run_with("a", {"x": STEADY}), run_with("b", {"y": STEADY}, hour=1)]) == []
