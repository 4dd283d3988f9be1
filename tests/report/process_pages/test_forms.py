"""What was seen of live processes on a terminal, as CSV and as HTML."""

import csv
import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from loadstone.pages import talk
from loadstone.pages.look import NotSeen
from loadstone.pages.summary import summarise_pages
from loadstone.pages.survey import Survey
from loadstone.report.process_pages.csv import render_csv
from loadstone.report.process_pages.html import render_pages
from loadstone.report.process_pages.text import print_pages
from sample_pages import LZ4, ZSTD, kind_of, pages_of, process_of, survey_of

HOSTILE = "<b>evil\x1b[31m</b>"


def _survey() -> Survey:
    kinds = [
        kind_of("anon", {1: 700, 5: 200, 10: 100}, same=50, present=30_000, swapped=12, lost=3),
        kind_of("[anon:scudo:primary]", {9: 20}),
        kind_of("/memfd:something (deleted)", {2: 5}, is_shared=True),
    ]
    seen = [
        pages_of(pid, kinds, name=name, algorithm=algorithm, areas_left_out=2)
        for algorithm in (LZ4, ZSTD)
        for pid, name in ((11, "first"), (1234567, HOSTILE))
    ]
    refused = NotSeen(process=process_of(5, "closed"), reason="it is not ours", remedy="be root")
    return survey_of(seen, [refused], (LZ4, ZSTD))


def _printed(survey: Survey, width: int) -> str:
    out = Console(file=io.StringIO(), width=width, height=25)
    print_pages(summarise_pages(survey), out)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    said = _printed(_survey(), width)
    assert max(map(cell_len, said.splitlines())) <= width
    for what in ("first", "[anon:scudo:primary]", "2.66", "zstd:3", "be root"):
        assert re.sub(r"\s", "", what) in re.sub(r"\s", "", said)


def test_what_was_not_seen_is_said() -> None:
    said = _printed(_survey(), 200)
    assert "not seen: closed (5): it is not ours; be root" in said
    assert "6 pages went away before they were read" in said
    assert "24 pages are swapped already" in said
    assert "4 areas were not looked at" in said
    assert "a random sample" in said
    assert "\x1b" not in said


def test_one_process_needs_no_table_of_processes() -> None:
    said = _printed(survey_of([pages_of(1, [kind_of(by_decile={1: 10})])]), 100)
    assert "all that is not shared" in said
    assert "all together" not in said
    assert "sample" not in said


def test_csv_has_a_line_for_each_kind_of_each_look() -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(_survey()))))
    assert len(rows) == 12
    first = rows[0]
    assert (first["process"], first["kind"], first["pages"]) == ("first", "anon", "30000")
    assert (first["decile_10_pages"], first["from_3257_pages"]) == ("700", "100")
    assert {row["algorithm"] for row in rows} == {"lz4", "zstd:3"}


def test_the_report_shows_the_talks_deciles_beside_and_escapes_names() -> None:
    html = render_pages(summarise_pages(_survey()))
    assert html.count("<figure>") == 2 * 2 * 11
    for percent in (*talk.PAGE_PERCENT, *talk.BYTE_PERCENT):
        assert f">{percent:.2f}<" in html
    assert "<b>evil" not in html
    assert "\x1b" not in html
    assert "http" not in html.replace("http-equiv", "")


def test_the_talks_figures_add_up() -> None:
    assert sum(talk.PAGE_PERCENT) == pytest.approx(100, abs=0.05)
    assert sum(talk.BYTE_PERCENT) == pytest.approx(100, abs=0.05)
    assert sum(talk.PAGE_PERCENT[5:]) == pytest.approx(talk.HALF_PAGE_PERCENT, abs=0.05)
    assert sum(talk.BYTE_PERCENT[5:]) == pytest.approx(talk.HALF_BYTE_PERCENT, abs=0.05)
