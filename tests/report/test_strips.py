"""Every round is a dot, and Runs of one unit share an axis."""

from loadstone.report import html
from report.pages import CLOCK, COUNTED, FAST, MEASURED, Page, good_trial, run_with
from sample_runs import READY


def test_every_round_is_a_dot_and_names_its_figure() -> None:
    page = Page(html.render([run_with(*MEASURED)]))
    assert page.count("circle", **{"class": "dot"}) == 12
    assert "throughput of 6 rounds, in their order: 2.000, 2.010" in page.text


def test_runs_of_different_metrics_are_not_drawn_on_one_axis() -> None:
    delay = run_with(*MEASURED, metrics=(READY,))
    text = html.render([run_with(*MEASURED), delay])
    assert "These Runs have no measured Case in common" in text


def test_a_case_of_one_run_only_is_in_no_overview() -> None:
    only_fast = tuple(trial for trial in MEASURED if trial.case == FAST.id)
    page = Page(html.render([run_with(*MEASURED), run_with(*only_fast, id_="other")]))
    assert page.count("h4", **{"class": "group"}) == 1
    assert page.count("circle", **{"class": "dot"}) == 12 + 6 + 2 * 6


def test_runs_of_different_clocks_are_not_drawn_on_one_axis() -> None:
    real, lab = run_with(*MEASURED), run_with(*MEASURED, facts=COUNTED)
    assert "in common, or no clock" in html.render([real, lab])
    page = Page(html.render([real, lab, real, lab]))
    overview = page.text[: page.text.index("Run 1: ")]
    assert overview.count("Only the Cases that several") == 1
    assert overview.count(CLOCK) == 1
    assert overview.count("time of a real machine") == 1
    assert page.count("h4", **{"class": "group"}) == 2 * 2


def test_an_interval_beyond_the_axis_is_marked_as_cut() -> None:
    run = run_with(good_trial(FAST, 0, 1e9), good_trial(FAST, 1, 2e9), rounds=2)
    assert "▸" in html.render([run])
