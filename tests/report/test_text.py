"""Tables for a terminal."""

import io

import msgspec
from rich.console import Console

from loadstone.analysis.compare import compare
from loadstone.model import StopRule
from loadstone.report import html
from loadstone.report.text import print_comparison, print_run
from report.pages import CLOCK, COUNTED, HOSTILE, MEASURED, PHONE, Page, run_with


def test_a_hostile_phone_moves_no_terminal_s_cursor() -> None:
    hostile: dict[str, int | str] = dict.fromkeys(PHONE, HOSTILE)
    run = run_with(*MEASURED, facts=hostile | {"cpu.model": HOSTILE, "kernel.release": HOSTILE})
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=400))
    assert not {"\x1b", "\u202e"} & set(stream.getvalue())
    twin = run_with(*MEASURED, facts=dict.fromkeys((*hostile, "cpu.model", "kernel.release"), "x"))
    pages = [Page(html.render([one])) for one in (run, twin)]
    assert HOSTILE[:25] in pages[0].text
    assert [tag for tag, _ in pages[0].elements] == [tag for tag, _ in pages[1].elements]


def test_a_run_on_a_real_machine_says_nothing_of_clocks() -> None:
    stream = io.StringIO()
    print_run(run_with(*MEASURED), Console(file=stream, width=200))
    assert "clock" not in stream.getvalue()
    assert "clock" not in Page(html.render([run_with(*MEASURED)])).text.lower()


def test_a_comparison_names_its_clock_and_kernels_above_the_table() -> None:
    base, new = (run_with(*MEASURED, id_=id_, facts=COUNTED) for id_ in ("a", "b"))
    stream = io.StringIO()
    print_comparison(compare(base, new), Console(file=stream, width=200))
    lines = stream.getvalue().splitlines()
    assert lines[:4] == [
        "base a, Linux 7.3.4 (trixie-backports)",
        "new  b, Linux 7.3.4 (trixie-backports)",
        "design: one Run against one",
        f"clock: {CLOCK}",
    ]


def test_a_run_that_stayed_wide_says_so_within_eighty_columns() -> None:
    run = run_with(*MEASURED)
    rule = StopRule(within=0.001, most_rounds=200, limit_s=60)
    plan = msgspec.structs.replace(run.manifest.plan, until=rule)
    run = msgspec.structs.replace(run, manifest=msgspec.structs.replace(run.manifest, plan=plan))
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=80))
    lines = stream.getvalue().splitlines()
    said = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= 80
    assert "(until ±0.1 %, at most 200 rounds or 1m)" in said
    assert "note: ±0.1 % not reached by" in said
    assert f"by the limit of 1m or cut off; `loadstone resume {run.id}` goes on" in said
    assert "not reached by" in " ".join(Page(html.render([run])).text.split())
