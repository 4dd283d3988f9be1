"""The pictures of a Run as files: SVG that stands alone, and the same as PNG."""

import re
import struct
from importlib.resources import files as package_files
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from loadstone.errors import CannotMeasureError, RunError, UsageError
from loadstone.model import Case, Run, Span
from loadstone.report.escaping import visible
from loadstone.report.picture_files import write_pictures
from loadstone.report.pictures.lanes_plot import SPAN_COLOURS
from loadstone.report.png import png_of
from report.pages import CLOCK, COUNTED, HOSTILE, MEASURED, good_trial, run_with

_SVG = "{http://www.w3.org/2000/svg}"
_ALLOWED = {"svg", "g", "rect", "line", "text", "title", "desc", "path", "polyline", "circle"}


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """The files of a Run of two Cases."""
    return write_pictures([run_with(*MEASURED)], tmp_path / "made" / "for it")


def _size(png: bytes) -> tuple[int, int]:
    """Of a PNG: width and height stand in its first chunk."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _texts(path: Path) -> str:
    return " ".join("".join(one.itertext()) for one in ElementTree.parse(path).iter(f"{_SVG}text"))


def _style() -> str:
    return package_files("loadstone.report").joinpath("templates", "report.css").read_text()


def _hostile_run(word: str) -> Run:
    case = Case.of("model-load", word, {})
    spans = (Span(name=word, lane=7, start_ns=0, end_ns=9), *MEASURED[0].spans)
    trials = tuple(good_trial(case, number, 1e9, spans=spans) for number in range(6))
    facts: dict[str, int | str] = dict.fromkeys(("kernel.release", "cpu.model"), word)
    return run_with(*trials, cases=(case,), facts=facts)


def test_each_picture_is_an_svg_and_a_png_twice_as_large(pictures: list[Path]) -> None:
    names = ("figures", "timelines", "latencies")
    assert [path.name for path in pictures] == [
        f"r-{name}.{kind}" for name in names for kind in ("svg", "png")
    ]
    assert sorted(pictures[0].parent.iterdir()) == sorted(pictures)
    for svg, png in zip(pictures[::2], pictures[1::2], strict=True):
        root = ElementTree.parse(svg).getroot()
        drawn = float(root.attrib["width"]), float(root.attrib["height"])
        assert _size(png.read_bytes()) == (2 * drawn[0], 2 * drawn[1])


def test_an_svg_stands_alone(pictures: list[Path]) -> None:
    for path in pictures[::2]:
        root = ElementTree.parse(path).getroot()
        assert root.tag == f"{_SVG}svg"
        assert {one.tag.removeprefix(_SVG) for one in root.iter()} <= _ALLOWED
        assert root.attrib["font-family"].endswith("sans-serif")
        ground = next(root.iter(f"{_SVG}rect"))
        assert (ground.attrib["fill"], ground.attrib["width"]) == ("#ffffff", root.attrib["width"])
        for one in root.iter():
            assert not any("href" in name or name == "style" for name in one.attrib)
            if one.tag in (f"{_SVG}text", f"{_SVG}rect", f"{_SVG}circle"):
                assert one.attrib["fill"].startswith("#")


def test_it_says_what_it_is_of_and_by_which_clock(tmp_path: Path) -> None:
    run = run_with(*MEASURED, facts=COUNTED)
    for path in write_pictures([run], tmp_path)[::2]:
        words = _texts(path)
        assert f"Clock: {CLOCK}" in words
        assert "model-load on local" in words
        assert "Linux 7.3.4" in words
        assert words.endswith(" r")


def test_the_figures_have_a_bar_and_an_interval_for_each_case(pictures: list[Path]) -> None:
    titles = {one.text or "" for one in ElementTree.parse(pictures[0]).iter(f"{_SVG}title")}
    bars = {title for title in titles if "interval" in title}
    assert {title.split(":")[0] for title in bars} == {"fast", "slow"}
    assert "fast: 2.025 GB/s, 95 % interval" in " ".join(bars)
    words = _texts(pictures[0])
    assert "throughput, GB/s; higher is better" in words
    assert words.index("fast") < words.index("slow")


def test_the_time_lines_have_the_spans_of_each_case(pictures: list[Path]) -> None:
    root = ElementTree.parse(pictures[2]).getroot()
    titles = [one.text or "" for one in root.iter(f"{_SVG}title")]
    assert sum(title.startswith("read: ") for title in titles) == 2
    words = _texts(pictures[2])
    assert "ready 31.7 ms, busy 31.7 ms, round 3" in words
    assert "Solid line: the model is ready. Dashed line: verification" in words


def test_spans_have_the_colours_of_the_page() -> None:
    light = dict(re.findall(r"--([\w-]+): (#\w+)", _style().split("@media")[0]))
    for name, colour in SPAN_COLOURS.items():
        known = name.removeprefix("c-")
        assert colour == light[f"series-{known}" if known.isdecimal() else known]


def test_two_runs_have_a_picture_of_what_changed(tmp_path: Path) -> None:
    twice = tuple(
        msgspec.structs.replace(
            trial, metrics={name: 2 * one for name, one in trial.metrics.items()}
        )
        for trial in MEASURED
    )
    base, new = run_with(*MEASURED, id_="base"), run_with(*twice, id_="new")
    files = write_pictures([base, new], tmp_path)
    assert [path.name for path in files][-2:] == ["new-changes.svg", "new-changes.png"]
    root = ElementTree.parse(files[-2]).getroot()
    titles = " ".join(one.text or "" for one in root.iter(f"{_SVG}title"))
    assert "fast: faster, +100.0%, 95 % interval" in titles
    assert "slow: faster, +100.0%, 95 % interval" in titles
    assert "new against base" in _texts(files[-2])
    assert "nothing recorded explains it" in _texts(files[-2])


def test_of_very_many_cases_the_first_have_time_lines_and_a_png_is_not_drawn_twice_as_large(
    tmp_path: Path,
) -> None:
    cases = tuple(Case.of("model-load", f"way {number}", {"way": number}) for number in range(390))
    run = run_with(*(good_trial(case, 0, 1e9) for case in cases), cases=cases, rounds=1)
    files = {path.name: path for path in write_pictures([run], tmp_path)}
    assert "The first 24 of 390 Cases." in _texts(files["r-timelines.svg"])
    assert _texts(files["r-figures.svg"]).count("way ") == 390
    root = ElementTree.parse(files["r-figures.svg"]).getroot()
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    assert height > 8000
    assert _size(files["r-figures.png"].read_bytes()) == (width, height)


def test_the_words_are_in_the_png_too(pictures: list[Path]) -> None:
    svg = pictures[0].read_text()
    assert svg.count(">fast<") == 1
    assert png_of(svg) != png_of(svg.replace(">fast<", "><"))


def test_strings_from_a_device_are_shown_and_change_nothing(tmp_path: Path) -> None:
    worst = f"{HOSTILE} ]]> <![CDATA[ -- | &#0; &lt; \0\x0b\ud800 {{{{ }}}}"
    made = {
        name: write_pictures([_hostile_run(word), _hostile_run(word)], tmp_path / name)
        for name, word in (("bad", worst), ("good", "plain"))
    }
    for bad, good in zip(made["bad"], made["good"], strict=True):
        if bad.suffix == ".png":
            assert _size(bad.read_bytes())[0] == _size(good.read_bytes())[0]
            continue
        page, twin = (ElementTree.parse(path).getroot() for path in (bad, good))
        tags = [
            {one.tag for one in root.iter()} | {name for one in root.iter() for name in one.attrib}
            for root in (page, twin)
        ]
        assert tags[0] == tags[1]
        assert visible(worst) in " ".join(page.itertext())
        assert not {"\x1b", "\u202e", "\0"} & set(bad.read_text())


def test_several_runs_have_their_pictures_side_by_side(tmp_path: Path) -> None:
    runs = [
        msgspec.structs.replace(run_with(*MEASURED), path=Path("/runs") / name)
        for name in ("one", "two")
    ]
    names = {path.name for path in write_pictures(runs, tmp_path)}
    assert {"one-figures.svg", "two-figures.svg", "two-latencies.png"} <= names


def test_a_run_without_figures_leaves_no_directory(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match="no Case has figures"):
        write_pictures([run_with(MEASURED[-1])], tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_picture_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "r-latencies.png").mkdir()
    with pytest.raises(
        UsageError,
        match=r"r-latencies\.png exists and is no picture; name another directory",
    ):
        write_pictures([run_with(*MEASURED)], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["r-latencies.png"]
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot make the directory .*; name another directory"):
        write_pictures([run_with(*MEASURED)], tmp_path / "file" / "d")
