"""What the README shows of Python works as it stands there."""

import json
from pathlib import Path

import pytest

import loadstone
from commands import MIB, write_model


@pytest.fixture
def small(place: Path) -> Path:
    return write_model(place / "model.gguf", 2 * MIB)


def test_a_run_can_be_made_loaded_summarised_and_compared(small: Path, place: Path) -> None:
    axes = {"engine": ["mmap-copy", "uring"], "overlap": "1MiB"}
    run = loadstone.run(file=small, axes=axes, rounds=3, results=place / "r")
    again = loadstone.run(file=small, axes=axes, rounds=3, results=place / "r")
    assert loadstone.load("last", results=place / "r") == again
    assert loadstone.load("last~1", results=place / "r") == run
    summaries = loadstone.summarise(run)
    assert {summary.trials for summary in summaries} == {3}
    assert all(summary.metrics["throughput"].median > 0 for summary in summaries)
    effects = loadstone.compare(run, again).effects
    assert {effect.label for effect in effects} == {summary.case.label for summary in summaries}


def test_a_finished_run_is_resumed_to_itself(small: Path, place: Path) -> None:
    run = loadstone.run(file=small, axes={"engine": "pread"}, rounds=1, results=place / "r")
    assert loadstone.resume("last", results=place / "r") == run


def test_a_run_of_a_guest_that_is_gone_is_not_resumed(small: Path, place: Path) -> None:
    run = loadstone.run(file=small, axes={"engine": "pread"}, rounds=1, results=place / "r")
    manifest = run.path / "manifest.json"
    told = json.loads(manifest.read_text())
    told["environment"]["target"] = "lab:6.1"
    manifest.write_text(json.dumps(told))
    with pytest.raises(loadstone.RunError, match=r"lab:6\.1 existed for that run alone"):
        loadstone.resume("last", results=place / "r")


def test_the_whole_trial_is_in_the_run(small: Path, place: Path) -> None:
    run = loadstone.run(
        file=small, axes={"engine": "uring", "overlap": "1m"}, rounds=1, results=place / "r"
    )
    trial = run.trials[-1]
    assert {"open", "allocate", "read", "release"} <= {span.name for span in trial.spans}
    assert len({span.lane for span in trial.spans}) == 2
    assert sum(h.count for h in trial.histograms) == 2
    assert trial.evidence["verified_bytes"] == 2 * MIB
    assert trial.evidence["cached_before_bytes"] == 0
    ends = [span.end_ns for span in trial.spans if span.name == "read"]
    assert max(ends) <= trial.metrics["ready_ns"]


def test_a_wrong_request_is_told_as_such(small: Path, place: Path) -> None:
    with pytest.raises(loadstone.UsageError, match="did you mean 'uring'"):
        loadstone.run(file=small, axes={"engine": "urin"}, results=place / "r")


def test_rounds_are_added_until_intervals_are_narrow(small: Path, place: Path) -> None:
    run = loadstone.run(
        file=small, axes={"engine": "pread"}, warmups=0, until="50%", limit=60, results=place / "r"
    )
    rule = run.manifest.plan.until
    assert rule is not None
    assert (rule.within, rule.limit_s) == (0.5, 60)
    assert len(run.trials) >= 10
    for until, limit in (("50%", "x"), (2, None), (0.02, 0.5)):
        with pytest.raises(loadstone.UsageError):
            loadstone.run(file=small, until=until, limit=limit, results=place / "r")
