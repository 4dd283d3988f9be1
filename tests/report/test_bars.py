"""What a Workload wants seen side by side is drawn so, each figure in a column."""

import pytest

from loadstone.model import Column
from loadstone.report import html
from loadstone.report.bars import BarChart, bar_chart
from loadstone.report.strips import reported
from loadstone.workloads import workload
from report.pages import MEASURED, Page, run_with

_BARS = (
    Column(heading="ready", name="ready_ns", unit="ns"),
    Column(heading="faults", name="minor_faults", unit="count"),
    Column(heading="left in cache", name="cached_after_bytes", unit="B"),
    Column(heading="of another kernel", name="not_counted", unit="count"),
)


@pytest.fixture(autouse=True)
def _named_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload("model-load"), "bars", _BARS, raising=True)


def _chart() -> BarChart:
    run = run_with(*MEASURED)
    found = bar_chart(reported(run))
    assert found is not None
    return found


def test_every_figure_is_a_bar_and_one_that_is_missing_is_unknown() -> None:
    chart = _chart()
    ready, faults, cached, missing = chart.columns
    texts = {label: bar.text for label, bar in zip(chart.labels, ready.bars, strict=True)}
    assert texts == {"fast": "31.6 ms", "slow": "62.4 ms"}
    widths = {label: bar.width for label, bar in zip(chart.labels, ready.bars, strict=True)}
    assert widths == {"slow": 100.0, "fast": pytest.approx(100 * 31.6 / 62.4, rel=0.01)}
    assert {bar.text for bar in faults.bars} == {"3"}
    assert {bar.text for bar in cached.bars} == {"64 B"}
    assert {(bar.text, bar.width) for bar in missing.bars} == {("unknown", 0.0)}


def test_the_page_has_them_with_their_words() -> None:
    page = Page(html.render([run_with(*MEASURED)]))
    assert "Side by side" in page.text
    assert page.count("div", **{"class": "bars"}) == 1
    assert "left in cache" in page.text


def test_a_workload_that_names_none_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload("model-load"), "bars", ())
    assert "Side by side" not in html.render([run_with(*MEASURED)])
