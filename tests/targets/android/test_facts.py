"""A phone's facts are those of all its commands and files, also of those that refuse."""

from pathlib import Path

from fake_phone import Phone
from loadstone.targets.android.facts import phone_facts, state_facts
from targets.android.phone_outputs import CONFIG, GETPROP

POWER = """\
POWER MANAGER (dumpsys power)

Power Manager State:
  mWakefulness=Asleep
  mIsPowered=true
Battery saver state machine:
  Battery Saver is currently: OFF
"""


def run_of(outputs: dict[str, str]) -> object:
    return lambda *words: outputs.get(" ".join(words))


def test_a_phones_facts_are_those_of_all_its_sources(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {"/sys/fs/selinux/enforce": "1"})
    outputs = {
        "getprop": GETPROP,
        "zcat /proc/config.gz": CONFIG,
        "ls /dev/dma_heap": "system\nqcom,display\n\x1b[2J\n../x\nsystem-uncached\n",
    }
    facts = phone_facts(phone.read_texts, run_of(outputs))  # type: ignore[arg-type]  # a lambda takes any words
    assert facts["phone.model"] == "Phone 5"
    assert facts["security.selinux"] == "enforcing"
    assert facts["config.IO_URING"] == "n"
    assert facts["memory.dma_heaps"] == "qcom,display, system, system-uncached"


def test_a_phone_that_refuses_everything_has_no_facts(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {})
    assert phone_facts(phone.read_texts, lambda *_: None) == {}
    assert state_facts(lambda *_: None) == {}
    assert state_facts(lambda *_: "Can't find service: power\n") == {}


def test_whether_the_screen_is_on_and_power_is_saved_is_told() -> None:
    assert state_facts(lambda *_: POWER) == {
        "screen.wakefulness": "Asleep",
        "battery.saver_is_on": False,
    }
