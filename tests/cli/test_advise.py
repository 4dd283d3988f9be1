"""``loadstone advise``: one Run, which says which way to load and how sure that is."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from commands import MIB, Command, until, write_model

ADVISE = ("advise", "--file", "model.gguf", "--into", "anon", "--seed", "1")
WIDTH = 80


@pytest.fixture(autouse=True)
def model(place: Path) -> Path:
    return write_model(place / "model.gguf", MIB + 13)


def made(loadstone: Command) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The Plan and the Trials of the last Run on disk."""
    path = max(loadstone.results.glob("runs/*"))
    lines = (path / "trials.jsonl").read_text().splitlines()
    return json.loads((path / "manifest.json").read_text())["plan"], list(map(json.loads, lines))


def test_it_is_one_run_that_is_advised_shown_and_repeated(loadstone: Command, place: Path) -> None:
    done = loadstone(*ADVISE, "--budget", "6s", "-o", "plan.toml")
    assert done.code == 0, done.err
    text = done.out
    assert text.startswith("advice: ")
    assert str(place / "model.gguf") in text.replace("\n    ", "")
    assert all(len(line) <= WIDTH for line in text.splitlines() if not line.startswith("run: "))
    plain = ("mmap 1MiB", "mmap-copy → anon 1MiB", "pread buffered → anon 1MiB")
    assert " 0 rounds" in text or all(label in text for label in plain)
    plan, trials = made(loadstone)
    assert plan["name"] == "advise"
    assert {trial["warmup"] for trial in trials} == {False}
    shown = loadstone("show").out
    assert "advice: " in shown
    assert "fastest:" not in shown
    assert loadstone("report", "last", "-o", "report.html").code == 0
    assert "advice: " in (place / "report.html").read_text()
    # Those that never entered are in no table.
    tried = {trial["case"] for trial in trials}
    cases = json.loads(loadstone("show", "--json").out)["cases"]
    assert {case["id"] for case in cases} == tried
    advised = tomllib.loads((place / "plan.toml").read_text())
    assert advised["file"] == str(place / "model.gguf")
    assert advised["case"]
    again = loadstone("run", "plan.toml", "--rounds", "1", "--warmups", "0", "--quiet", "--json")
    assert again.code == 0, again.err
    assert len(json.loads(again.out)["cases"]) == len(advised["case"])


def test_a_budget_that_is_too_small_says_what_it_knows(loadstone: Command) -> None:
    done = loadstone(*ADVISE, "--budget", "1s", "--quiet")
    said = " ".join(done.out.split())
    assert "`loadstone resume " in said
    if done.code:
        assert done.code == 3, done.err
        assert "no way was measured in time" in said
    else:
        assert "which is fastest is not decided" in said


def test_a_race_that_was_killed_is_resumed(loadstone: Command) -> None:
    process = loadstone.start(*ADVISE, "--budget", "4s", "--quiet")
    until(lambda: len(loadstone.trials()) > 4, "some Trials to end")
    process.kill()
    process.communicate()
    _, before = made(loadstone)
    assert loadstone("clean").code == 0
    assert loadstone("resume", "last", "--quiet").code == 0
    plan, after = made(loadstone)
    assert after[: len(before)] == before
    assert len(after) > len(before)
    places = [(trial["case"], trial["round"]) for trial in after]
    assert len(set(places)) == len(places)
    entered = {*plan["race"]["first"], *plan["race"]["plain"], *plan["race"]["ceilings"]}
    assert {case for case, number in places if not number} <= entered


def test_a_file_that_is_replaced_meanwhile_ends_it_and_is_told(
    loadstone: Command, model: Path
) -> None:
    process = loadstone.start(*ADVISE, "--budget", "1h", "--quiet")
    until(lambda: len(loadstone.trials()) > 4, "some Trials to end")
    write_model(model.with_name("new"), MIB).replace(model)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    said = " ".join(out.decode().split())
    # As a whole, or as one that has ended early.
    assert "during the Run" in said, said
    assert "keep the file still, and run again" in said, said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--budget", "5"), "--budget 5: '5' is no time"),
        (("--into", "gpu"), "'gpu' is not one of 'anon', 'dma-buf', 'any'"),
        (("-o", "plan.txt"), "--output plan.txt: a plan file's name ends in .toml"),
        (("--file", "absent"), "absent"),
    ],
)
def test_a_wrong_request_is_told_before_anything_is_measured(
    loadstone: Command, words: tuple[str, ...], told: str
) -> None:
    done = loadstone("advise", *words)
    assert done.code == 2
    assert told in done.err
    assert not list(loadstone.results.glob("runs/*"))
