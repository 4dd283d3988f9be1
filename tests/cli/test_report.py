"""``loadstone report``: which file it writes, and what it never replaces."""

import os
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from loadstone.cli import cli
from loadstone.errors import LoadstoneError, RunError, UsageError
from report.pages import MEASURED, run_with


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A results directory with one Run, and its name."""
    run = run_with(*MEASURED)
    path = tmp_path / "results" / "runs" / "20260101T102030Z-local-p-0000"
    path.mkdir(parents=True)
    (path / "manifest.json").write_bytes(msgspec.json.encode(run.manifest))
    lines = (msgspec.json.encode(trial) + b"\n" for trial in run.trials)
    (path / "trials.jsonl").write_bytes(b"".join(lines))
    return tmp_path / "results"


def _report(results: Path, *arguments: str) -> str:
    words = ["report", "--results", str(results), *arguments]
    result = CliRunner().invoke(cli, words, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output.strip()


def test_without_o_the_report_is_named_after_the_run(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = _report(stored)
    assert name == "20260101T102030Z-local-p-0000.html"
    assert "2.025" in (tmp_path / name).read_text()


def test_a_report_replaces_an_earlier_one_as_a_whole(stored: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("old" * 100_000)
    _report(stored, "last", "-o", str(report))
    assert report.read_text().startswith("<!DOCTYPE html>")
    assert "old" not in report.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results"]


def test_a_link_to_a_report_stays_a_link(stored: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    link.symlink_to(real)
    _report(stored, "last", "-o", str(link))
    assert link.is_symlink()
    assert real.read_text().startswith("<!DOCTYPE html>")


def test_what_is_no_report_is_not_replaced(stored: Path, tmp_path: Path) -> None:
    trials = next(stored.glob("runs/*/trials.jsonl"))
    pipe = tmp_path / "pipe.html"
    os.mkfifo(pipe)
    before = trials.read_bytes()
    for path in (trials, tmp_path, pipe):
        with pytest.raises(UsageError, match=r"is no report; name a file that ends in \.html"):
            _report(stored, "last", "-o", str(path))
    assert trials.read_bytes() == before


def test_a_report_that_cannot_be_written_says_where_and_what_to_do(
    stored: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    loop = tmp_path / "loop.html"
    loop.symlink_to(loop)
    for path in (
        tmp_path / "no" / "r.html",
        tmp_path / "file" / "r.html",
        tmp_path / ("x" * 300 + ".html"),
        Path("/proc/r.html"),
        loop,
    ):
        with pytest.raises(RunError, match=r"cannot write the report .*name another file with -o"):
            _report(stored, "last", "-o", str(path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop.html", "results"]


def test_a_run_that_is_not_there_leaves_no_report(stored: Path, tmp_path: Path) -> None:
    with pytest.raises(LoadstoneError, match="no Run"):
        _report(stored, "nonesuch", "-o", str(tmp_path / "r.html"))
    assert not (tmp_path / "r.html").exists()
