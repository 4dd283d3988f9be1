"""Pictures as SVG are well-formed and within their frame, and a Run's names are text in them."""

import re
from xml.etree import ElementTree

import pytest

from loadstone.model import Case
from loadstone.report import html
from loadstone.report.pictures import drawings_of
from loadstone.report.pictures.drawing import Drawing
from loadstone.report.pictures.layout import NARROW_PX, WIDE_PX, svg_of
from loadstone.workloads import Workload, workload
from report.pages import HOSTILE, MEASURED, Page, good_trial, run_with
from report.pictures.of_workloads import PICTURED, run_of_workload

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("width_px", [WIDE_PX, NARROW_PX])
@pytest.mark.parametrize("chosen", PICTURED, ids=lambda one: one.name)
def test_nothing_is_drawn_outside_of_the_frame(chosen: Workload, width_px: int) -> None:
    (drawing,) = drawings_of(run_of_workload(chosen))
    root = ElementTree.fromstring(svg_of(drawing, width_px, is_file=True))
    height_px = float(root.attrib["height"])
    (inner,) = root.findall(f"{_SVG}g")
    for panel in inner:
        left, top = _moved(inner)
        if panel.tag == f"{_SVG}g":
            more = _moved(panel)
            left, top = left + more[0], top + more[1]
        for one in panel.iter():
            for name, start, end in (("x", left, width_px), ("y", top, height_px)):
                for key in (name, f"{name}1", f"{name}2", f"c{name}"):
                    if key in one.attrib:
                        assert -0.1 <= start + float(one.attrib[key]) <= end + 0.1


def _moved(element: ElementTree.Element) -> tuple[float, float]:
    x, y = re.findall(r"[\d.]+", element.attrib["transform"])
    return float(x), float(y)


def test_a_file_needs_no_style_sheet_and_nothing_from_elsewhere() -> None:
    (drawing,) = drawings_of(run_of_workload(workload("dm-flush")))
    text = svg_of(drawing, is_file=True)
    assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert not re.search(r"<style|<script|href|url\(|var\(", text)
    for one in ElementTree.fromstring(text).iter():
        if one.tag.removeprefix(_SVG) in ("circle", "rect", "text"):
            assert one.attrib["fill"].startswith("#")
        if one.tag == f"{_SVG}path":
            assert "#" in one.attrib["fill"] + one.attrib.get("stroke", "")
        if one.tag.removeprefix(_SVG) in ("line", "polyline"):
            assert one.attrib["stroke"].startswith("#")


@pytest.mark.parametrize("chosen", PICTURED, ids=lambda one: one.name)
def test_names_from_a_device_are_text_in_svg_too(chosen: Workload) -> None:
    plain, hostile = (run_of_workload(chosen, name) for name in ("plain", HOSTILE))
    pages = [Page(html.render([run])) for run in (plain, hostile)]
    tags = [[tag for tag, _ in page.elements] for page in pages]
    assert tags[0] == tags[1]
    assert "<script>alert(1)</script>" in pages[1].text
    for drawing in drawings_of(hostile):
        _check_names_are_text(drawing)


def test_names_that_are_drawn_are_text_too() -> None:
    case = Case.of("model-load", HOSTILE, {})
    run = run_with(good_trial(case, 0, 1e9), cases=(case,))
    (drawing,) = drawings_of(run)
    assert drawing.name == "latencies"
    _check_names_are_text(drawing)


def _check_names_are_text(drawing: Drawing) -> None:
    for width_px in (WIDE_PX, NARROW_PX):
        root = ElementTree.fromstring(svg_of(drawing, width_px, is_file=True))
        assert {one.tag.removeprefix(_SVG) for one in root.iter()} <= {
            *("svg", "title", "desc", "g", "text", "line", "rect", "circle", "path", "polyline")
        }
        assert any("<script>alert(1)</script>" in (one.text or "") for one in root.iter())


def test_every_sort_of_operation_has_a_distribution_with_its_percentiles_marked() -> None:
    (drawing,) = [one for one in drawings_of(run_with(*MEASURED)) if one.name == "latencies"]
    (panel,) = drawing.panels
    assert panel.heading == "read"
    root = ElementTree.fromstring(svg_of(drawing, is_file=True))
    words = [one.text for one in root.iter(f"{_SVG}text")]
    # Of 3000 reads 2400 took 1 µs, the others 90 µs at most.
    assert "fast: p50 1.00 µs, p99 89.9 µs, p99.9 89.9 µs" in words
    dashes = [one.get("stroke-dasharray", "") for one in root.iter(f"{_SVG}line")]
    assert len([one for one in dashes if one]) == 2 * 2 + 2
    assert {"p50", "p99", "p99.9", "10 µs"} <= set(words)
