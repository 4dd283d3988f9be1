"""``last`` is the Run that was made last, whatever the clock said, and what is in doubt is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import loadstone as api
from loadstone.cli import cli
from loadstone.runs import store
from loadstone.runs.moment import Moment
from runs.stored_runs import a_run

TODAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Run, and one made after the clock was set back by two days."""
    for days, boot in ((0, "one"), (-2, "two")):
        moment = Moment(clock=TODAY + timedelta(days=days), boot=boot, boottime_ns=1)
        monkeypatch.setattr(store, "now", lambda at=moment: at)
        a_run(tmp_path, 3)
    return tmp_path


def test_every_verb_takes_the_run_that_was_made_last_and_says_that_the_clock_went_back(
    results: Path,
) -> None:
    for words in (("show",), ("export", "--format", "json"), ("report", "-o", "{}/r.html")):
        asked = [word.format(results) for word in words]
        done = CliRunner().invoke(cli, [*asked, "--results", str(results)], standalone_mode=False)
        assert done.exception is None
        assert done.stderr.count("the clock was set back in between") == 1
        assert "2026-02-27 12:00:00 UTC" in done.stderr
        assert "2026-03-01 12:00:00 UTC" in done.stderr
        if "json" not in asked:
            assert "20260227T120000Z" in done.stdout or (results / "r.html").exists()


def test_python_is_told_where_it_asks(results: Path) -> None:
    notes: list[str] = []
    run = api.load("last", results=results, say=notes.append)
    assert run.manifest.created.startswith("2026-02-27")
    assert run == api.load("last", results=results)
    assert len(notes) == 1
    api.load(run.id, results=results, say=notes.append)
    assert len(notes) == 1
