"""``--until``: rounds are added until intervals are narrow, and what is said where they are not."""

import json
from pathlib import Path
from typing import Any

import pytest

from commands import MIB, Command, write_model

ONE = ("model-load", "--file", "model.gguf", "--set", "engine=pread", "--set", "cache=warm")
TWO = ("model-load", "--file", "model.gguf", "--set", "engine=pread,mmap", "--set", "cache=warm")
# No machine repeats a load of a few ms to a thousandth within a second.
TOO_SOON = ("--until", "0.1%", "--limit", "1s")


@pytest.fixture(autouse=True)
def model(place: Path) -> Path:
    return write_model(place / "model.gguf", MIB)


def made(loadstone: Command) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The Plan and the Trials of the last Run on disk."""
    path = max(loadstone.results.glob("runs/*"))
    lines = (path / "trials.jsonl").read_text().splitlines()
    return json.loads((path / "manifest.json").read_text())["plan"], list(map(json.loads, lines))


def test_a_run_ends_when_its_intervals_are_narrow(loadstone: Command) -> None:
    done = loadstone("run", *TWO, "--until", "50%", "--json")
    assert done.code == 0, done.err
    until = json.loads(done.out)["until"]
    plan, trials = made(loadstone)
    rounds = 1 + max(trial["round"] for trial in trials)
    assert plan["until"] == {"within": 0.5, "most_rounds": 200, "limit_s": None}
    assert (until["ending"], until["rounds"]) == ("narrow", rounds)
    assert plan["rounds"] == 10 <= rounds
    assert len(trials) == 2 + 2 * rounds
    assert all(case["is_narrow"] and case["width"] <= 0.5 for case in until["cases"])
    assert f"±50 % reached by all after {rounds} rounds" in done.err
    assert "not reached" not in loadstone("show").out
    assert loadstone("resume", "last").code == 0
    assert made(loadstone)[1] == trials


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_a_run_that_did_not_get_there_says_so_and_is_done_all_the_same(
    loadstone: Command, quiet: tuple[str, ...]
) -> None:
    done = loadstone("run", *TWO, *TOO_SOON, "--json", *quiet)
    assert done.code == 0, done.err
    until = json.loads(done.out)["until"]
    assert until["ending"] == "early"
    assert until["rounds"] < 200
    wide = [case["label"] for case in until["cases"] if not case["is_narrow"]]
    assert wide
    last = done.err.splitlines()[-1]
    assert last.startswith(f"±0.1 % not reached by {len(wide)} of 2 (")
    assert all(label in last for label in wide)
    rounds = until["rounds"]
    assert f"ended after {rounds} round" in last
    assert "by the limit of 1s" in last
    assert (len(done.err.splitlines()) == 1) == bool(quiet)
    shown = " ".join(loadstone("show").out.split())
    assert "note: ±0.1 % not reached by" in shown
    assert f"{rounds} rounds (until ±0.1 %, at most 200 rounds or 1s)" in shown
    assert "`loadstone resume " in shown


def test_resuming_adds_rounds_for_as_long_again(loadstone: Command) -> None:
    loadstone("run", *ONE, *TOO_SOON, "--quiet")
    _, before = made(loadstone)
    done = loadstone("resume", "last", "--json")
    assert done.code == 0, done.err
    _, after = made(loadstone)
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert json.loads(done.out)["until"]["rounds"] == 1 + max(one["round"] for one in after)


def test_of_two_sides_the_ratio_is_waited_for_and_rounds_come_in_twos(
    loadstone: Command,
) -> None:
    sides = ("--set engine=pread", "--set engine=mmap")
    done = loadstone("ab", *sides, *ONE[:3], "--until", "50%", "--rounds", "11", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    (run,), (comparison,) = said["runs"], said["comparisons"]
    (pair,) = run["until"]["cases"]
    assert run["until"]["rounds"] % 2 == 0
    assert " → " in pair["label"]
    (effect,) = comparison["cases"]
    # What was looked at is what is shown.
    ends = [effect["high"] - effect["ratio"], effect["ratio"] - effect["low"]]
    turned = [1 / effect["low"] - 1 / effect["ratio"], 1 / effect["ratio"] - 1 / effect["high"]]
    widths = (max(ends) / effect["ratio"], max(turned) * effect["ratio"])
    assert any(width == pytest.approx(pair["width"]) for width in widths)


def test_a_plan_says_that_rounds_are_added(loadstone: Command, place: Path) -> None:
    plan = place / "p.toml"
    plan.write_text('workload = "model-load"\nuntil = "3%"\nlimit = "10m"\nset.engine = "pread"\n')
    said = loadstone("plan", plan).out
    assert "1 Cases × 10 rounds or more + 1 warm-up" in said
    assert "rounds are added until ±3 %, at most 200 rounds or 10m" in said
    assert said.splitlines()[-1].strip() == "and so on until ±3 %, at most 200 rounds or 10m"


def test_the_lab_has_no_such_option(loadstone: Command) -> None:
    done = loadstone("lab", "run", "--until", "2%", "--kernel", "x")
    assert done.code == 2
    assert "--until" in done.err
