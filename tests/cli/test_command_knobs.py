"""``--knob NAME=[COMMAND],[COMMAND]``: said, run, compared and put back, whatever ends the Run."""

import os
import re
import signal
from pathlib import Path

import pytest

import loadstone as api
from commands import NOBODY, Command, needs_root, until

_SMALL = ("model-load", "--set", "engine=pread", "--warmups", "0")
_LONG = (*_SMALL, "--rounds", "10000")


def _states(place: Path) -> list[str]:
    log = place / "log"
    return log.read_text().split() if log.exists() else []


def test_a_run_says_its_commands_and_its_cases_are_compared(
    loadstone: Command, model: Path
) -> None:
    knob = "who=[echo a >> log; echo aloud],[echo b >> log; echo aloud]"
    planned = loadstone("plan", *_SMALL, "--file", model, "--knob", knob)
    assert "this runs shell commands, on the target, as who runs it:\n" in planned.out
    assert planned.out.count("    who: echo a >> log; echo aloud\n") == 2
    assert not (loadstone.place / "log").exists()
    done = loadstone("run", *_SMALL, "--file", model, "--rounds", "4", "--knob", knob, "--json")
    assert done.code == 0, done.err
    assert "aloud\n" not in re.sub("echo aloud", "", done.out)
    assert re.search(r"^this runs shell commands, on local as \w+:$", done.err, re.MULTILINE)
    assert done.err.index("this runs") < done.err.index("once for its checksums")
    first, *turns, last = _states(loadstone.place)
    assert (first, turns[0], last) == ("a", "b", "a")
    # Interleaved, in the opposite order in every second round.
    rounds = [turns[at : at + 2] for at in range(1, len(turns), 2)]
    assert [one == other[::-1] for one, other in zip(rounds[::2], rounds[1::2], strict=True)] == [
        True,
        True,
    ]
    compared = loadstone("compare", "last", "--by", "knob.who")
    assert "each value of knob.who against the first; paired by round" in compared.out
    assert re.search(r"who \[echo a >> log; echo aloud\]: a → b +throughput", compared.out)


def test_both_sides_of_ab_may_be_commands_written_as_for_run(
    loadstone: Command, model: Path
) -> None:
    sides = ("--knob x=[echo 'a  a' >> log]", "--set io=buffered --knob x=[echo b >> log]")
    done = loadstone("ab", *sides, *_SMALL, "--file", model, "--rounds", "1")
    assert done.code == 0, done.err
    assert (loadstone.place / "log").read_text().splitlines()[0] == "a  a"
    assert "a a' → " in done.out
    (base, _), *_ = api.load("last", results=loadstone.results).manifest.plan.pairs
    assert _states(loadstone.place)[-1] == "a"
    assert base


@needs_root
def test_they_need_no_root(loadstone: Command, model: Path, as_nobody: tuple[str, ...]) -> None:
    os.chown(model, NOBODY, NOBODY)
    words = ("--file", model, "--rounds", "1", "--knob", "who=[id -u >> log],[true]")
    done = loadstone("run", *_SMALL, *words, before=as_nobody)
    assert done.code == 0, done.err
    assert "this runs shell commands, on local as nobody:" in done.err
    assert _states(loadstone.place) == [str(NOBODY)] * 3


def test_a_knob_of_one_side_alone_is_refused(loadstone: Command) -> None:
    done = loadstone("ab", "--set engine=uring --knob x=[true]", "--set engine=pread", "model-load")
    assert done.code == 2
    assert done.complaint.startswith("--knob x: only one of A and B has it")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_amid_a_command_ends_it_and_the_first_is_run(
    loadstone: Command, model: Path, number: signal.Signals
) -> None:
    # Tried at once, and then it hangs.
    second = "[[ -e tried ] && { echo amid >> log; sleep 60; }; touch tried; echo b >> log]"
    process = loadstone.start(
        "run", *_LONG, "--file", model, "--knob", f"who=[echo a >> log],{second}"
    )
    until(lambda: "amid" in _states(loadstone.place), "the command to be run")
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == -number, err
    assert _states(loadstone.place)[-2:] == ["amid", "a"]
    assert "a" in _states(loadstone.place)[:-2]


def test_after_a_kill_clean_runs_the_first_and_says_so(loadstone: Command, model: Path) -> None:
    knob = "who=[echo a >> log],[echo b >> log; sleep 0.05]"
    process = loadstone.start("run", *_LONG, "--file", model, "--knob", knob)
    until(lambda: len(loadstone.trials()) > 2 and _states(loadstone.place)[-1] == "b", "a Trial")
    process.kill()
    process.communicate(timeout=30)
    until(lambda: not loadstone.processes(), "worker, Job and command to die with it")
    ended = _states(loadstone.place)
    (journal,) = loadstone.results.glob("journal")
    journal.chmod(0o777)
    refused = loadstone("clean")
    assert refused.code == 4
    assert "would run `echo a >> log`, and did not: others may write to" in refused.out
    assert _states(loadstone.place) == ended
    journal.chmod(0o755)
    cleaned = loadstone("clean")
    assert cleaned.code == 0
    said, done = cleaned.out.splitlines()
    assert re.fullmatch(r"running, as \w+, the first command of --knob who: echo a >> log", said)
    assert done == "ran command who"
    assert _states(loadstone.place) == [*ended, "a"]


def test_a_command_that_fails_amid_a_run_fails_its_trial_and_the_run_goes_on(
    loadstone: Command, model: Path
) -> None:
    second = "[echo b >> log; [ $(grep -c b log) != 3 ] || { echo why >&2; exit 3; }]"
    words = ("--file", model, "--rounds", "3", "--knob", f"who=[true],{second}")
    done = loadstone("run", *_SMALL, *words)
    assert done.code == 4
    run = api.load("last", results=loadstone.results)
    (failed,) = (trial for trial in run.trials if trial.status == "failed")
    assert str(failed.reason).endswith(": ended with exit code 3: why")
    assert failed.remedy == "try it by hand in sh; it has to end with 0 within 60 s"
    assert len([trial for trial in run.trials if trial.status == "ok"]) == 5
    assert failed.metrics == {}
