"""The HTML report shows what was measured, and nothing that a device says can change it."""

import io
import re

import msgspec
from rich.console import Console

from loadstone.analysis.summary import summarise
from loadstone.model import Case, Span, Status
from loadstone.report import html
from loadstone.report.figures import bounds
from loadstone.report.text import print_run
from loadstone.units import format_metric
from report.pages import FAST, HOSTILE, MEASURED, SLOW, Page, good_trial, run_with
from sample_runs import SPEED


def test_the_table_holds_the_figures_of_the_summary() -> None:
    run = run_with(*MEASURED)
    page = Page(html.render([run]))
    for summary in summarise(run)[:2]:
        speed, ready = summary.metrics["throughput"], summary.metrics["ready_ns"]
        row = page.row(summary.case.label)
        assert row[1:4] == [
            format_metric(speed.median, "B/s"),
            bounds(speed, SPEED),
            format_metric(ready.median, "ns"),
        ]
        assert row[-1] == "6"
    assert [row[0] for row in page.rows[1:3]] == ["fast", "slow"]


def test_the_table_has_the_terminal_s_columns_and_cells() -> None:
    run = run_with(*MEASURED)
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=200))
    page = Page(html.render([run]))
    terminal = " ".join(stream.getvalue().split())
    assert " ".join(page.rows[0][1:]) in terminal
    for label in ("fast", "slow"):
        assert " ".join(page.row(label)) in terminal


def test_strings_from_a_device_are_shown_and_change_nothing() -> None:
    case = Case.of("model-load", HOSTILE, {})
    trials = (
        good_trial(case, 0, 1e9, notes=(HOSTILE,), evidence={HOSTILE: 1.0}),
        good_trial(case, 1, 1e9, status=Status.FAILED, reason=HOSTILE, remedy=HOSTILE),
        good_trial(case, 2, 1e9, status=Status.INVALID, reason=HOSTILE),
        good_trial(case, 3, 1e9, spans=(Span(name=HOSTILE, lane=7, start_ns=0, end_ns=9),)),
    )
    plain = Case.of("model-load", "plain", {})
    twin = tuple(
        msgspec.structs.replace(
            trial,
            case=plain.id,
            reason=trial.reason and "plain",
            remedy=trial.remedy and "pl `ai` n",
            notes=tuple("plain" for _ in trial.notes),
            evidence={
                name.replace(HOSTILE, "plain"): value for name, value in trial.evidence.items()
            },
        )
        for trial in trials
    )
    facts: dict[str, int | str] = {
        "kernel.release": HOSTILE,
        "cpu.model": HOSTILE,
        "fs.type": HOSTILE,
        "clock.name": HOSTILE,
        "clock.processor": HOSTILE,
        "lab.kernel": HOSTILE,
        "storage.profile": HOSTILE,
    }
    bad = run_with(*trials, cases=(case,), id_=HOSTILE, facts=facts)
    text = html.render([bad, bad])
    page = Page(text)
    good = run_with(*twin, cases=(plain,), id_="plain", facts=dict.fromkeys(facts, "plain"))
    expected = Page(html.render([good, good]))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in expected.elements]
    assert page.count("script") == 0
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert page.text.count("<script>alert(1)</script>\"'&</title>") > 10
    assert {key for _, has in page.elements for key in has} == {
        key for _, has in expected.elements for key in has
    }


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = html.render([run_with(*MEASURED)])
    page = Page(text)
    assert not re.search(r"https?:|url\(|@import|//\w", text)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.elements}
    assert not any(key in ("src", "onload") for _, has in page.elements for key in has)


def test_pictures_and_tables_can_be_read_without_seeing_them() -> None:
    page = Page(html.render([run_with(*MEASURED)]))
    pictures = [has for tag, has in page.elements if tag == "svg"]
    assert all("aria-hidden" in has or has.get("role") == "img" for has in pictures)
    # Two strips and time lines, and the latencies, wide and narrow.
    assert page.count("desc") == page.count("svg", role="img") == 4 + 2
    assert all(has.get("scope") in ("row", "col") for tag, has in page.elements if tag == "th")


def test_a_run_without_any_good_trial_tells_why() -> None:
    page = Page(
        html.render(
            [
                run_with(
                    good_trial(FAST, 0, 1e9, status=Status.FAILED, reason="wrong data at 4096"),
                    good_trial(
                        SLOW, 0, 1e9, status=Status.INVALID, reason="12 pages stayed cached"
                    ),
                    MEASURED[-1],
                    rounds=1,
                )
            ]
        )
    )
    assert "No Case of this Run has figures" in page.text
    for words in ("wrong data at 4096", "12 pages stayed cached", "no udmabuf", "udmabuf"):
        assert words in page.text
    assert page.count("svg") == page.count("table") == 0
    assert "not complete" not in page.text


def test_a_run_that_was_killed_at_once_says_what_it_lacks() -> None:
    text = Page(html.render([run_with(rounds=6)])).text
    assert "18 Trials of its Plan were not carried out" in text


def test_a_run_without_metrics_is_rendered() -> None:
    assert "No Case" in html.render([run_with(*MEASURED, metrics=())])


def test_several_runs_stand_side_by_side_and_each_for_itself() -> None:
    slower = tuple(
        msgspec.structs.replace(trial, metrics={"throughput": trial.metrics["throughput"] / 2})
        for trial in MEASURED
        if trial.status is Status.OK
    )
    page = Page(html.render([run_with(*MEASURED, id_="before"), run_with(*slower, id_="after")]))
    assert page.text.index("before") < page.text.index("after") < page.text.index("Run 2: ")
    assert page.count("section", id="run-1") == page.count("section", id="run-2") == 1
    assert page.count("h4", **{"class": "group"}) == 2
    assert page.count("circle", **{"class": "dot"}) == 12 * 2 * 2
    assert page.count("span", **{"class": "key s-1"}) == 2 + 2


def test_latencies_are_those_of_all_rounds_that_count() -> None:
    warmup = good_trial(FAST, 6, 1e9, warmup=True)
    page = Page(html.render([run_with(*MEASURED, warmup)]))
    row = next(row for row in page.rows if row[:2] == ["fast", "read"])
    assert row == ["fast", "read", "3,000", "1", "89.9", "89.9", "89.9", "90"]


def test_percentiles_of_too_few_operations_are_left_out() -> None:
    page = Page(html.render([run_with(good_trial(FAST, 0, 1e9))]))
    row = next(row for row in page.rows if row[:2] == ["fast", "read"])
    assert row[-2:] == ["–", "90"]


def test_counters_that_stayed_at_zero_are_counted_not_listed() -> None:
    page = Page(html.render([run_with(*MEASURED)]))
    assert page.row("minor_faults") == ["minor_faults", "3", "3"]
    assert "1 more counters stayed at zero" in page.text
    assert "pgsteal_anon" not in page.text
