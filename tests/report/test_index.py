"""The index over many Runs: what it shows of each, what it leaves out, and how it is sorted."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from click.testing import CliRunner

from chromium import (
    DARK,
    DESK_PX,
    LIGHT,
    PHONE_PX,
    browser,
    opened,
    overflow_px,
    serious_violations,
)
from loadstone.analysis.summary import summarise
from loadstone.cli import cli
from loadstone.errors import RunError
from loadstone.model import Case, Run, Status
from loadstone.report import figures
from loadstone.report.index import index_row, render_index
from loadstone.runs import store
from report.many_runs import COUNT, WORKLOADS, day, numbered_run, write_many
from report.pages import HOSTILE, MEASURED, Page, good_trial, run_with
from sample_runs import SPEED, write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

__all__ = ["browser"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty Runs of three workloads here, on a phone and in the lab."""
    results = tmp_path_factory.mktemp("many")
    write_many(results)
    return results


def _report(output: Path, *words: str | Path) -> tuple[Page, str]:
    words = ("report", *words, "-o", output)
    done = CliRunner().invoke(cli, list(map(str, words)), standalone_mode=False)
    if done.exception:
        raise done.exception
    return Page(output.read_text()), done.stderr


def _page(*runs: Run) -> Page:
    return Page(render_index([index_row(run, Path("/nowhere")) for run in runs], ()))


def test_each_run_has_a_row_with_its_headline(results: Path, tmp_path: Path) -> None:
    page, said = _report(tmp_path / "i.html", "--index", "--results", results)
    assert said == ""
    assert page.rows[0] == ["Run", "Machine", "Kernel", "Workload", "Case", "Headline", "Rounds"]
    assert len(page.rows) == COUNT + 1
    for number in range(COUNT):
        run = store.load(results / "runs" / f"run-{number:04}")
        # Those of dm-verity are not ranked, and the first is shown.
        name = "slow" if run.manifest.plan.workload == "dm-verity" else "fast"
        (row,) = (row for row in page.rows if row[4] == f"{name} {number}")
        (summary,) = (one for one in summarise(run) if one.case.label == row[4])
        assert row[0] == f"2026-01-{day(number)} 10:20:30"
        assert row[3] == WORKLOADS[number % 3]
        assert row[6] == "6"
        assert figures.headline(run, summary) in page.text
        assert figures.bounds(summary.metrics["throughput"], SPEED) in page.text
        assert run.path.name in page.text
    in_lab = sum(row[1] == "lab:7.3.4" for row in page.rows)
    assert page.text.count("counted instructions") == in_lab > 0
    assert "Vendor Phone 5" in page.text


def test_without_a_script_it_is_by_machine_and_workload_the_newest_first(
    results: Path, tmp_path: Path
) -> None:
    page, _ = _report(tmp_path / "i.html", "--index", "--results", results)
    groups: dict[tuple[str, str], list[str]] = {}
    order: list[tuple[str, str]] = []
    for row in page.rows[1:]:
        key = row[1], row[3]
        groups.setdefault(key, []).append(row[0])
        if order[-1:] != [key]:
            order.append(key)
    assert order == sorted(groups)
    assert len(order) == 9
    assert all(dates == sorted(dates, reverse=True) for dates in groups.values())


def test_more_runs_than_can_be_set_side_by_side_are_an_index(results: Path, tmp_path: Path) -> None:
    runs = sorted((results / "runs").iterdir())
    few, _ = _report(tmp_path / "few.html", *runs[:2])
    assert "2 Runs side by side" in few.text
    index, _ = _report(tmp_path / "few.html", *runs[:2], "--side-by-side", "1")
    assert len(index.rows) == 3
    for words in (runs[:17], ["--index", *runs[:17]], ["--side-by-side", "16", *runs[:17]]):
        many, _ = _report(tmp_path / "many.html", *words)
        assert "17 Runs" in many.text
        assert len(many.rows) == 18


def test_what_is_no_run_is_named_with_its_reason_and_the_rest_is_shown(
    results: Path, tmp_path: Path
) -> None:
    good = sorted((results / "runs").iterdir())[:3]
    empty, newer, torn, file = (tmp_path / name for name in ("empty", "newer", "torn", "file"))
    empty.mkdir()
    file.touch()
    for path, manifest, trials in (
        (newer, b'{"schema": 99}', b""),
        (torn, (good[0] / "manifest.json").read_bytes(), b"{}\n{}\n"),
    ):
        path.mkdir()
        (path / "manifest.json").write_bytes(manifest)
        (path / "trials.jsonl").write_bytes(trials)
    bad = (empty, newer, torn, file, tmp_path / "nonesuch")
    page, said = _report(tmp_path / "i.html", "--index", *bad, *good)
    assert len(page.rows) == 4
    for path, reason in zip(
        bad,
        (
            "is not a Run: it has no file manifest.json",
            "was made by a newer loadstone (schema 99",
            "the Run is damaged",
            "Not a directory (ENOTDIR)",
            "No such file or directory (ENOENT)",
        ),
        strict=True,
    ):
        for text in (page.text, said):
            lines = [one for one in text.splitlines() if str(path) in one and reason in one]
            assert len(lines) == 1
    assert "5 more were named and are not shown" in page.text
    with pytest.raises(RunError, match="none of 2 names a Run that can be read"):
        _report(tmp_path / "none.html", "--index", *bad[:2])
    assert not (tmp_path / "none.html").exists()


def test_a_run_of_an_unknown_workload_is_shown_and_said_to_be_one() -> None:
    page = _page(numbered_run(0, "of-tomorrow"))
    assert page.rows[1][3:5] == ["of-tomorrow", "fast 0"]
    assert "workload of-tomorrow is not known to this Loadstone" in page.text


def test_a_run_that_was_cut_off_or_has_no_figures_says_so() -> None:
    cut = _page(run_with(*MEASURED[:3]))
    assert "cut off: 15 Trials of its Plan were not carried out" in cut.text
    none = _page(run_with(MEASURED[-1]))
    assert none.rows[1][4:] == ["–", "no figure", "–"]
    assert "1 skipped: no udmabuf" in none.text


def test_the_run_s_own_report_is_linked_where_it_is_beside_the_page(tmp_path: Path) -> None:
    results = tmp_path / "results"
    for number, name in enumerate(("a", "b:c#d e")):
        run = numbered_run(number)
        manifest = msgspec.structs.replace(run.manifest, id=name)
        write_run(msgspec.structs.replace(run, manifest=manifest), results)
        _report(tmp_path / f"{name}.html", results / "runs" / name)
    write_run(numbered_run(2), results)
    page, _ = _report(tmp_path / "i.html", "--index", "--results", results)
    links = {has["href"] for tag, has in page.elements if tag == "a"}
    assert links == {"./a.html", "./b%3Ac%23d%20e.html"}


def test_strings_from_a_device_are_shown_and_change_nothing() -> None:
    def run(word: str) -> Run:
        case = Case.of("model-load", word, {})
        trials = (
            good_trial(case, 0, 1e9),
            good_trial(case, 1, 1e9, status=Status.FAILED, reason=word, remedy=word),
        )
        facts: dict[str, int | str] = dict.fromkeys(("kernel.release", "cpu.model"), word)
        return run_with(*trials, cases=(case,), id_=word.replace("/", ""), facts=facts)

    page, twin = _page(run(HOSTILE)), _page(run("plain"))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in twin.elements]
    assert page.count("script") == 1
    assert "<script>alert(1)</script>\"'&</title>`<b>`" in page.rows[1][4]
    assert not {"\x1b", "\u202e"} & set(page.text)


def test_figures_alone_are_those_of_the_whole_run(tmp_path: Path) -> None:
    run = run_with(*MEASURED, id_="whole")
    write_run(run, tmp_path)
    path = tmp_path / "runs" / "whole"
    whole, lean = store.load(path), store.load_figures(path)
    assert [one.metrics for one in summarise(lean)] == [one.metrics for one in summarise(whole)]
    assert index_row(lean, tmp_path) == index_row(whole, tmp_path)
    assert not any(trial.spans for trial in lean.trials)


def _cells(page: "BrowserPage", column: int, key: str) -> list[str]:
    """What the rows that are shown have for the script in a column."""
    rows = "[...document.querySelectorAll('tbody tr:not([hidden])')]"
    found: list[str] = page.evaluate(f"{rows}.map(row => row.cells[{column}].dataset.{key})")
    return found


def test_a_browser_sorts_it_and_narrows_it_down(
    browser: "Browser", results: Path, tmp_path: Path
) -> None:
    _report(tmp_path / "i.html", "--index", "--results", results)
    with opened(browser, tmp_path / "i.html") as page:
        page.get_by_role("button", name="Run").click()
        dates = _cells(page, 0, "v")
        assert dates == sorted(dates, reverse=True)
        assert len(dates) == COUNT
        page.get_by_role("button", name="Headline").click()
        values = [float(one) for one in _cells(page, 5, "v")]
        ordered = list(zip(_cells(page, 5, "k"), values, strict=True))
        assert ordered == sorted(ordered)
        page.locator("#narrow select").nth(1).select_option("dm-verity")
        left = sum(number % 3 == 2 for number in range(COUNT))
        assert len(_cells(page, 0, "v")) == left
        assert page.get_by_role("status").inner_text() == f"{left} of {COUNT} shown"


@pytest.mark.parametrize(
    ("width_px", "scheme"), [(DESK_PX, LIGHT), (DESK_PX, DARK), (PHONE_PX, LIGHT), (PHONE_PX, DARK)]
)
def test_it_is_for_everybody_and_no_wider_than_a_phone(
    browser: "Browser", results: Path, tmp_path: Path, width_px: int, scheme: str
) -> None:
    file = tmp_path / "i.html"
    _report(file, "--index", *sorted((results / "runs").iterdir()), "no-such-run")
    with opened(browser, file, width_px, scheme) as page:
        assert overflow_px(page) <= 0
        assert serious_violations(page) == []


def test_no_run_brings_a_script_of_its_own(browser: "Browser", tmp_path: Path) -> None:
    text = render_index([index_row(run_with(*MEASURED), Path("/nowhere"))], ())
    assert "<footer>" in text
    file = tmp_path / "i.html"
    file.write_text(text.replace("<footer>", "<script>document.title = 'taken'</script><footer>"))
    titles = []
    # The browser complains of what its policy refused.
    with pytest.raises(AssertionError), opened(browser, file) as page:
        titles.append(page.title())
    assert titles == ["1 Run · Loadstone"]
