"""What a directory would take on a terminal and as HTML."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from loadstone.layout.algorithm import Algorithm
from loadstone.layout.layouts import AlgorithmCount
from loadstone.layout.measure import MeasuredFile
from loadstone.layout.sizes import WORDS, parse_sizes
from loadstone.layout.survey import LayoutSummary, Survey
from loadstone.layout.walk import HardLink, MountPoint, RegularFile, Unseen
from loadstone.report.directory_layout.html import render_layouts
from loadstone.report.directory_layout.text import print_layouts

HOSTILE = "<b>evil\x1b[31m</b>"


def _summary() -> LayoutSummary:
    algorithms = [Algorithm(name="lz4", level=0), Algorithm(name="zstd", level=3)]
    survey = Survey(algorithms, lambda *_: None)
    file = RegularFile(path=b"/f", file_bytes=90_000, is_sparse=True, has_wide_owner=False)
    sizes = parse_sizes([7] * WORDS)
    survey.add_file(
        MeasuredFile(
            file=file,
            data_bytes=81_920,
            data_blocks=20,
            sizes=(sizes, sizes),
            libraries=("liblz4 1.9.4", "libzstd 1.5.4"),
        )
    )
    for found in (HardLink(), MountPoint(), Unseen(path=HOSTILE.encode(), code=13)):
        survey.add_found(found)
    return survey.summary([f"/somewhere/{HOSTILE}"])


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    out = Console(file=io.StringIO(), width=width, height=25)
    print_layouts(_summary(), out)
    assert isinstance(out.file, io.StringIO)
    said = out.file.getvalue()
    assert "\x1b[31m" not in said
    assert max(map(cell_len, said.splitlines())) <= width
    for what in (
        "fixed-segment:2MiB",
        "35.00",
        "zstd:3",
        "libzstd 1.5.4",
        "left out: 1 ×",
        "-8 %",
        "holes of",
    ):
        assert re.sub(r"\s", "", what) in re.sub(r"\s", "", said)


def test_the_page_has_bars_for_each_algorithm_and_is_escaped() -> None:
    page = render_layouts(_summary())
    assert page.startswith("<!DOCTYPE html>")
    assert "<b>evil" not in page
    assert "\x1b" not in page
    assert page.count("<title>dynamic-cluster: stored, % of data 35.0</title>") == 2 * 2
    assert page.count(">unknown</text>") == 2 * 2 * 3


def test_without_an_algorithm_there_is_inline_alone() -> None:
    survey = Survey([], lambda *_: None)
    file = RegularFile(path=b"/f", file_bytes=5000, is_sparse=False, has_wide_owner=False)
    survey.add_file(MeasuredFile(file=file, data_bytes=5000, data_blocks=2))
    page = render_layouts(survey.summary(["/f"]))
    assert "inline tail" in page
    assert "random" not in page


def test_an_algorithm_with_nothing_added_has_no_row_of_an_image() -> None:
    count = AlgorithmCount(Algorithm(name="lz4", level=0))
    assert all(image.data_blocks == 0 for image in count.images)
