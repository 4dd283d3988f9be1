"""Markdown is read as one table by a real renderer, and what a device says changes nothing."""

import html
import io
import re

import msgspec
from markdown_it import MarkdownIt
from rich.console import Console

from loadstone.analysis.compare import compare
from loadstone.model import Case, Run, Status
from loadstone.report.markdown import comparison_markdown, run_markdown
from loadstone.report.text import print_comparison, print_run
from loadstone.text import printable
from report.pages import COUNTED, HOSTILE, MEASURED, Page, good_trial, run_with

_RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_WORST = (
    f"{HOSTILE} | \\| a\nb\r\n# c ](http://x) ![i](y) *e* _f_ ~~g~~ ]]> &amp; "
    "@someone #1 :tada: $x$ www.example.org https://example.org"
)


def _page(text: str) -> Page:
    return Page(_RENDERER.render(text))


def _worded(text: str) -> str:
    return " ".join(text.split())


def _hostile_run(word: str, id_: str) -> Run:
    case = Case.of("model-load", word, {})
    trials = (
        *(good_trial(case, number, 1e9, notes=(word,)) for number in range(6)),
        good_trial(case, 6, 1e9, status=Status.FAILED, reason=word, remedy=word),
        good_trial(case, 7, 1e9, status=Status.INVALID, reason=word),
    )
    facts: dict[str, int | str] = dict.fromkeys(("kernel.release", "cpu.model", "fs.type"), word)
    return run_with(*trials, cases=(case,), id_=id_, facts=facts)


def test_a_run_has_the_rows_that_the_terminal_shows() -> None:
    run = run_with(*MEASURED)
    page = _page(run_markdown(run))
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=300))
    terminal = _worded(stream.getvalue())
    assert page.count("table") == 1
    assert [row[0] for row in page.rows] == ["case", "fast", "slow"]
    for row in page.rows[1:]:
        assert _worded(" ".join(row)) in terminal
    assert "model-load on local" in page.text
    assert "fastest: fast, 2.025 GB/s" in page.text
    assert "skipped absent: no udmabuf; load udmabuf" in page.text
    assert page.count("code") >= 1


def test_a_comparison_has_its_verdicts_sides_and_machines() -> None:
    base = run_with(*MEASURED, id_="a", facts=COUNTED)
    faster = tuple(
        msgspec.structs.replace(
            trial, metrics={name: 2 * value for name, value in trial.metrics.items()}
        )
        for trial in MEASURED
    )
    new = run_with(*faster, id_="b", facts=COUNTED)
    comparison = compare(base, new)
    page = _page(comparison_markdown(comparison, (base, new)))
    stream = io.StringIO()
    print_comparison(comparison, Console(file=stream, width=300))
    terminal = _worded(stream.getvalue())
    assert [row[0] for row in page.rows] == ["case", "slow", "fast"]
    for row in page.rows[1:]:
        assert _worded(" ".join(row[:5])) in terminal
        assert row[6] and row[6] in terminal
    bold = [has for tag, has in page.elements if tag == "strong"]
    assert len(bold) == page.text.count("faster") == 2
    assert "base a, Linux 7.3.4" in page.text
    assert "measured: model-load on local" in page.text
    assert "clock: counted instructions" in page.text


def test_the_figures_stand_on_the_right_and_the_names_on_the_left() -> None:
    page = _page(run_markdown(run_with(*MEASURED)))
    aligned = [has.get("style") for tag, has in page.elements if tag == "th"]
    assert aligned[0] == aligned[-1] == "text-align:left"
    assert set(aligned[1:-1]) == {"text-align:right"}


def test_strings_from_a_device_are_shown_and_make_nothing_else_of_the_page() -> None:
    bad, good = _hostile_run(_WORST, "bad"), _hostile_run("plain", "good")
    for text, twin in (
        (run_markdown(bad), run_markdown(good)),
        (
            comparison_markdown(compare(bad, _hostile_run(_WORST, "b")), (bad,)),
            comparison_markdown(compare(good, _hostile_run("plain", "b")), (good,)),
        ),
    ):
        page, expected = _page(text), _page(twin)
        assert len(page.rows) == len(expected.rows) == 2
        assert [len(row) for row in page.rows] == [len(row) for row in expected.rows]
        assert _tags(page) == _tags(expected)
        assert not {"\x1b", "\u202e", "\r"} & set(text)
        assert printable(_WORST) in page.text


def _tags(page: Page) -> list[str]:
    """But ``code``, which is what keeps a mention from being one."""
    return [tag for tag, _ in page.elements if tag != "code"]


def test_what_github_would_link_or_mention_is_code() -> None:
    cell = _RENDERER.render(run_markdown(_hostile_run("by @someone, see #1", "r")))
    assert "<code>by @someone, see #1</code>" in cell


def test_a_plain_name_stays_as_it_is_for_who_reads_the_source() -> None:
    label = "pread direct → anon 1MiB nr_requests=64 (a, b) [c]"
    run = _hostile_run(label, "r")
    assert f"| {label} |" in run_markdown(run)


def test_a_run_that_was_cut_off_or_has_no_figures_says_so() -> None:
    cut = _page(run_markdown(run_with(*MEASURED[:3])))
    assert re.search(r"not complete, Trials .* not carried out: \d+", cut.text)
    empty = run_markdown(run_with(MEASURED[-1]))
    assert _page(empty).count("table") == 0
    assert "skipped absent: no udmabuf" in html.unescape(empty)
