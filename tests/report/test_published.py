"""Published figures and changes as text: in the report, below the table, in a line."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from loadstone.model import Value
from loadstone.published.posting import Posting
from loadstone.report import html
from loadstone.report.text import print_run
from sample_postings import DIRECT, GIB, LOAD, load_run, postings
from sample_runs import LAB, NEAR_ONE, READY, measured_run


@pytest.fixture
def published(tmp_path: Path) -> tuple[Posting, ...]:
    return postings(tmp_path, LOAD)


def test_the_report_sets_them_side_by_side(published: tuple[Posting, ...]) -> None:
    text = html.render([load_run({"file.bytes": GIB // 8})], published)
    assert "Beside published figures" in text
    assert "Huan Yang, 2024-07: direct" in text
    assert "dri-devel. Device: phone. Conditions: cold." in text
    assert "direct, 1 GiB, 128 MiB here" in text
    assert "Gain: how many times as good as <i>read</i>." in text
    assert re.search(r"<td>1,000 ms</td><td>×2(\.0\d)? \[[12]", text)
    assert "×1.5</td>" in text
    assert "compare the ratios, not the figures" in text
    assert "here ÷ published" not in text
    assert "not a real machine" not in text


def test_the_report_of_a_lab_run_says_why_figures_are_missing(
    published: tuple[Posting, ...],
) -> None:
    text = html.render([load_run({"file.bytes": GIB} | LAB)], published)
    assert "seconds are not a real machine’s" in text
    assert "here ÷ published" not in text
    assert "Gain: how many times as good as <i>read</i>." in text
    assert re.search(r"<td>1,000 ms</td><td>×2(\.0\d)? \[[12]", text)


def test_too_few_rounds_have_no_interval(published: tuple[Posting, ...]) -> None:
    run = measured_run([(DIRECT, NEAR_ONE[:2])], READY, facts={"file.bytes": GIB})
    assert "ms, too few rounds</td>" in html.render([run], published)


def test_a_report_without_anything_published_has_no_such_section(
    published: tuple[Posting, ...],
) -> None:
    assert "Beside published figures" not in html.render([load_run({})], published)
    assert "Beside published figures" not in html.render([load_run({"file.bytes": GIB})])


HOSTILE = "<script>alert(1)</script>&</table><b>'\\u202e\\u001b[31m"


def test_what_a_file_of_published_figures_says_cannot_change_the_report(tmp_path: Path) -> None:
    about = ("title", "who", "where", "device", "conditions", "what")
    more = f'source = "{HOSTILE}"\nnote = "{HOSTILE}"\n'
    text = LOAD.replace("metric =", f"{more}metric =")
    for key in about:
        text = text.replace(f'{key} = "', f'{key} = "{HOSTILE}')
    hostile = postings(tmp_path, text)
    run = load_run({"file.bytes": GIB})
    page, plain = html.render([run], hostile), html.render([run], postings(tmp_path, LOAD))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert page.count("</table>") == plain.count("</table>")
    assert page.count("<b>") == plain.count("<b>")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"file.bytes": GIB}, "note: 2 Cases have published figures in `loadstone report`"),
        ({"file.bytes": GIB} | LAB, "note: 1 Case has published figures in"),
        ({}, ""),
    ],
)
def test_the_table_of_a_run_says_in_a_line_that_there_is_more(
    published: tuple[Posting, ...], facts: dict[str, Value], words: str
) -> None:
    stream = io.StringIO()
    print_run(load_run(facts), Console(file=stream, width=200), published)
    told = [line for line in stream.getvalue().splitlines() if "published" in line]
    assert len(told) == bool(words)
    assert words in "".join(told)
