"""Commands as a knob on a phone: its own shell runs them, and none outlives the Run."""

import signal

import psutil
import pytest

from commands import Command, until
from device.adbd import Adbd

pytestmark = pytest.mark.device

SMALL = ("run", "--size=1m", "--set=engine=pread", "--warmups=0")
LOG = "/data/local/tmp/log"


def states(phone: Adbd) -> list[str]:
    log = phone.place / "log"
    return log.read_text().split() if log.exists() else []


def sleepers(phone: Adbd) -> list[psutil.Process]:
    found = []
    for process in phone.processes():
        try:
            found += [process] if "sleep" in process.cmdline() else []
        except psutil.NoSuchProcess:
            continue
    return found


def test_its_shell_runs_them_in_turns_and_the_first_at_the_end(
    measure: Command, adbd: Adbd
) -> None:
    knob = f"k=[echo a >> {LOG}; sleep 60 & :],[setsid true; echo b >> {LOG}; echo aloud]"
    done = measure(*SMALL, "--rounds=2", "--knob", knob, "--target", f"adb:{adbd.serial}")
    assert done.code == 0, done.err
    assert f"this runs shell commands, on adb:{adbd.serial} as " in done.err
    assert "aloud\n" not in done.out
    first, second, *turns, last = states(adbd)
    assert (first, second, last) == ("a", "b", "a")
    assert turns in (["a", "b", "b", "a"], ["b", "a", "a", "b"])
    until(lambda: not sleepers(adbd), "what a command left to be gone")
    (adbd.place / "log").unlink()


def test_one_that_fails_there_is_a_skip_in_its_own_words(measure: Command, adbd: Adbd) -> None:
    knob = "k=[true],[echo why >&2; exit 3]"
    done = measure(*SMALL, "--rounds=1", "--knob", knob, "--target", f"adb:{adbd.serial}")
    assert done.code == 0, done.err
    assert "--knob k=[echo why >&2; exit 3]: ended with exit code 3: why" in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_the_run_ends_them_there_and_the_first_is_run(
    measure: Command, adbd: Adbd, number: signal.Signals
) -> None:
    second = f"[[ -e {LOG}-tried ] && {{ echo amid >> {LOG}; sleep 60; }}; touch {LOG}-tried]"
    words = ("--rounds=9", "--knob", f"k=[echo a >> {LOG}],{second}")
    process = measure.start(*SMALL, *words, "--target", f"adb:{adbd.serial}")
    until(lambda: "amid" in states(adbd), "the command to be run", limit_s=60)
    until(lambda: sleepers(adbd), "it to sleep")
    process.send_signal(number)
    process.communicate(timeout=60)
    until(lambda: not sleepers(adbd), "it to end there")
    if number == signal.SIGKILL:
        assert states(adbd)[-1] == "amid"
        cleaned = measure("clean")
        assert cleaned.code == 0, cleaned.out
        where = f"running, on adb:{adbd.serial}, the first command of --knob k: echo a >> {LOG}"
        assert where in cleaned.out
        assert f"ran command k on adb:{adbd.serial}" in cleaned.out
    assert states(adbd)[-2:] == ["amid", "a"]
    for name in ("log", "log-tried"):
        (adbd.place / name).unlink()
