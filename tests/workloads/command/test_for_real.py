"""Commands as a user has them timed: interleaved, interrupted, killed."""

import contextlib
import json
import signal
from pathlib import Path

import psutil
import pytest

from commands import MIB, Command, until, write_model

SLEEPER = "trap '' TERM INT; sleep 3603 & setsid sleep 3603 & wait"


def sleepers(loadstone: Command) -> int:
    found = 0
    for process in loadstone.processes():
        with contextlib.suppress(psutil.Error):
            found += process.cmdline() == ["sleep", "3603"]
    return found


@pytest.fixture
def loadstone(place: Path) -> Command:
    return Command(place)


@pytest.fixture
def model(place: Path) -> Path:
    return write_model(place / "a model.gguf", 2 * MIB)


def test_commands_are_interleaved_and_one_that_fails_leaves_the_others(
    loadstone: Command, model: Path
) -> None:
    commands = "command=cat {file} >/dev/null,wc -c {file},echo no good >&2; exit 3"
    words = ("run", "command", "--file", model, "--rounds", "2", "--json", "--set", commands)
    done = loadstone(*words, "--results", loadstone.results)
    assert done.code == 4
    cases = json.loads(done.out)["cases"]
    assert [case["failed"] for case in cases] == [0, 0, 3]
    assert all(case["metrics"]["throughput"]["median"] > 0 for case in cases[:2])
    tried = [json.loads(line)["case"] for line in loadstone.trials()]
    assert len(set(tried[:3])) == len(set(tried[3:6])) == len(set(tried[6:])) == 3
    loadstone.check_nothing_is_left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_of_a_command_outlives_the_program(
    loadstone: Command, model: Path, number: signal.Signals
) -> None:
    words = ("run", "command", "--file", model, "--set", f"command={SLEEPER}")
    process = loadstone.start(*words, "--results", loadstone.results)

    until(lambda: sleepers(loadstone) >= 2, "the command to have forked")
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == -number
    until(lambda: not loadstone.processes(), "the command's processes to be gone")


def test_a_command_whose_placeholder_is_within_quotes_is_refused(
    loadstone: Command, model: Path
) -> None:
    done = loadstone("run", "command", "--file", model, "--set", "command=sh -c 'cat {file}'")
    assert done.code == 2
    assert "within quotes" in done.complaint
    assert not loadstone.results.exists()
