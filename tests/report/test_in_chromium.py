"""Reports in a real browser: for everybody, on a phone, in the dark, on paper; names are text."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

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
from loadstone import load
from loadstone.cli import cli
from loadstone.model import Run
from loadstone.report import html
from loadstone.workloads import workload
from report.pages import FAST, HOSTILE, MEASURED, SLOW, good_trial, run_with
from report.pictures.of_workloads import run_of_workload
from sample_outputs import DATA, RUNS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]

PAPER_PX = 700
_GOOD = tuple(
    good_trial(case, number, speed + 1e6 * number)
    for number in range(12)
    for case, speed in ((FAST, 2e9), (SLOW, 1e9))
)
_CHANGED = tuple(
    good_trial(case, number, speed + 1e6 * number)
    for number in range(12)
    for case, speed in ((FAST, 1e9), (SLOW, 2e9))
)
# Lines, bars, points with facets; distributions and time lines; several Runs side by side.
PAGES: Mapping[str, tuple[Run, ...]] = {
    "lines": (run_of_workload(workload("folio-write")),),
    "bars": (run_of_workload(workload("page-classes")),),
    "points": (run_of_workload(workload("compression")),),
    "latencies": (run_with(*MEASURED),),
    "side-by-side": (run_with(*MEASURED), run_with(*MEASURED, id_="other")),
    "verdicts": (run_with(*_GOOD), run_with(*_CHANGED, id_="other")),
    "hostile": (run_of_workload(workload("dm-flush"), HOSTILE), run_with(*MEASURED, id_=HOSTILE)),
}
of_every_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The pages as files."""
    place = tmp_path_factory.mktemp("pages")
    for name, runs in PAGES.items():
        (place / f"{name}.html").write_text(html.render(runs))
    return {name: place / f"{name}.html" for name in PAGES}


@pytest.mark.parametrize(
    ("name", "width_px", "scheme"),
    [
        ("lines", DESK_PX, LIGHT),
        ("lines", PHONE_PX, DARK),
        ("bars", PHONE_PX, LIGHT),
        ("points", DESK_PX, DARK),
        ("latencies", DESK_PX, DARK),
        ("side-by-side", PHONE_PX, LIGHT),
        ("verdicts", DESK_PX, LIGHT),
        ("hostile", DESK_PX, LIGHT),
    ],
)
def test_axe_finds_nothing_serious(
    browser: "Browser", files: Mapping[str, Path], name: str, width_px: int, scheme: str
) -> None:
    with opened(browser, files[name], width_px, scheme) as page:
        assert serious_violations(page) == []


def test_the_page_of_verdicts_has_both(files: Mapping[str, Path]) -> None:
    text = files["verdicts"].read_text()
    assert '<b class="faster">' in text
    assert '<b class="slower">' in text


def test_axe_would_find_what_is_serious(browser: "Browser", tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    pale = '<p style="color: #ccc; background: #fff">words</p>'
    file.write_text(f'<!DOCTYPE html><html lang="en"><title>bad</title><main>{pale}</main></html>')
    with opened(browser, file) as page:
        (found,) = serious_violations(page)
    assert found.startswith("color-contrast: ")


@of_every_page
def test_nothing_has_to_be_scrolled_sideways(
    browser: "Browser", files: Mapping[str, Path], name: str
) -> None:
    with opened(browser, files[name]) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        for width_px in (PHONE_PX, PAPER_PX, DESK_PX):
            page.set_viewport_size({"width": width_px, "height": 900})
            assert overflow_px(page) <= 0
            for picture in page.query_selector_all(".picture svg"):
                box = picture.bounding_box() if picture.is_visible() else None
                assert box is None or box["x"] + box["width"] <= width_px


def test_each_picture_is_shown_once_in_the_form_for_its_window(
    browser: "Browser", files: Mapping[str, Path]
) -> None:
    for width_px, shown in ((DESK_PX, "wide"), (PHONE_PX, "narrow")):
        with opened(browser, files["lines"], width_px) as page:
            visible = [one for one in page.query_selector_all(".picture") if one.is_visible()]
            assert [one.get_attribute("class") for one in visible] == [f"picture {shown}"]


def test_in_the_dark_words_and_marks_stand_out_of_the_ground(
    browser: "Browser", files: Mapping[str, Path]
) -> None:
    lightness = """selector => {
        const of = (element, name) => getComputedStyle(element)[name].match(/\\d+/g).slice(0, 3)
        const light = colour => colour.reduce((sum, part) => sum + Number(part), 0) / 3
        const element = document.querySelector(selector)
        return [light(of(element, 'fill')), light(of(document.body, 'backgroundColor'))]
    }"""
    for scheme in (LIGHT, DARK):
        with opened(browser, files["bars"], scheme=scheme) as page:
            for selector in (".picture text", ".picture .k-fill"):
                mark, ground = page.evaluate(lightness, selector)
                assert (mark < ground - 60) if scheme == LIGHT else (mark > ground + 60)


@pytest.mark.parametrize("name", ["points", "side-by-side"])
def test_on_paper_it_is_light_and_not_cut_off(
    browser: "Browser", files: Mapping[str, Path], name: str
) -> None:
    with opened(browser, files[name], PAPER_PX, DARK) as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        assert overflow_px(page) <= 0
        assert not any(one.is_visible() for one in page.query_selector_all(".picture.narrow"))
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_names_that_look_like_markup_are_shown_and_do_nothing(
    browser: "Browser", files: Mapping[str, Path]
) -> None:
    with opened(browser, files["hostile"]) as page:
        for tag in ("script", "img", "iframe"):
            assert page.query_selector(tag) is None
        said = page.evaluate(
            "[...document.querySelectorAll('svg title, svg text')].map(one => one.textContent)"
        )
        assert any("<script>alert(1)</script>\"'&</title>" in one for one in said)


def test_a_report_of_real_runs_of_before_is_read_by_everybody_too(
    browser: "Browser", tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(html.render([load(str(DATA / "runs" / name)) for name in RUNS]))
    with opened(browser, file, PHONE_PX) as page:
        assert serious_violations(page) == []
        assert overflow_px(page) <= 0


@pytest.mark.parametrize(
    "words",
    [
        ("layout", "{place}/text", "--algorithm", "lz4"),
        ("pages", str(os.getpid()), "--algorithm", "lz4"),
    ],
    ids=lambda words: words[0],
)
def test_the_pages_of_other_verbs_are_read_by_everybody_too(
    browser: "Browser", tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "text").write_bytes(b"a line of a text\n" * 9000)
    page = tmp_path / "page.html"
    asked = [word.format(place=tmp_path) for word in words]
    said = CliRunner().invoke(cli, [*asked, "-o", str(page)], standalone_mode=False)
    assert said.exception is None, said.output
    for width_px, scheme in ((DESK_PX, LIGHT), (PHONE_PX, DARK)):
        with opened(browser, page, width_px, scheme) as shown:
            assert serious_violations(shown) == []
            assert overflow_px(shown) <= 0
