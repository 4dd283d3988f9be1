"""``--markdown`` of ``show`` and ``compare``."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from commands import Command
from report.pages import MEASURED, run_with
from sample_runs import write_run


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Two Runs, a and b."""
    for id_ in ("a", "b"):
        write_run(run_with(*MEASURED, id_=id_), tmp_path / "stored")
    return tmp_path / "stored"


def test_show_and_compare_print_markdown_in_utf_8_and_nothing_else(
    loadstone: Command, stored: Path
) -> None:
    for words in (("show", "a"), ("compare", "a", "b")):
        done = loadstone(*words, "--markdown", "--results", stored, env={"LC_ALL": "C"})
        assert done.err == ""
        assert "<table>" in MarkdownIt("commonmark").enable("table").render(done.out)
        assert "95 % interval" in done.out


def test_two_outputs_are_refused(loadstone: Command, stored: Path) -> None:
    for words in (("show", "a"), ("compare", "a", "b")):
        done = loadstone(*words, "--markdown", "--json", "--results", stored)
        assert done.code == 2
        assert done.complaint == "--json and --markdown are two outputs; name one of them"
        assert done.out == ""
