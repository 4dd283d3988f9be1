"""What a Run's figures are counted in is said for every clock, known or not."""

from collections.abc import Mapping

import msgspec
import pytest

from loadstone.analysis.time_base import clock_json, clock_of, tag, units_note, words
from loadstone.model import Environment, Value

COUNTED: dict[str, Value | float | None] = {
    "clock.name": "instructions",
    "clock.ns_per_instruction": 1,
    "clock.accelerator": "tcg",
    "clock.processor": "max,-erms,-fsrm",
    "calibration.memcpy_ns_per_mib": 131072.5,
    "calibration.syscall_ns": 142,
    "calibration.note": "not a number",
}
WALL: dict[str, Value | float | None] = {"clock.name": "wall", "clock.accelerator": "tcg"}


def told(facts: Mapping[str, Value | float | None]) -> tuple[str, str | None, str]:
    clock = clock_of(Environment(target="local", facts=facts))
    return words(clock), units_note(clock), tag(clock)


def test_a_real_machine_has_no_clock_of_its_own() -> None:
    assert clock_of(Environment(target="local", facts={"kernel.release": "6.1"})) is None
    assert told({}) == ("time of a real machine", None, "real")
    assert clock_json(None) is None


@pytest.mark.parametrize(
    ("facts", "meaning", "note", "kind"),
    [
        (
            COUNTED,
            "counted instructions (1 ns each, processor max,-erms,-fsrm): a cost model, not time",
            "virtual second",
            "instructions:1ns",
        ),
        (
            WALL,
            "wall time of an emulated processor (TCG): compare orders, not figures",
            "its seconds are real",
            "wall:tcg",
        ),
        (
            WALL | {"clock.accelerator": "kvm", "clock.processor": "host"},
            "wall time of a virtual machine (KVM, processor host): real time, less what the host "
            "takes",
            None,
            "wall:kvm",
        ),
        (
            {"clock.name": "instructions"},
            "counted instructions: a cost model, not time",
            "virtual second",
            "instructions:?ns",
        ),
        (
            {"clock.name": "sundial"},
            "sundial, unknown to this loadstone: what its figures can be used for is unknown",
            None,
            "sundial:unknown",
        ),
    ],
    ids=["instructions", "emulated", "kvm", "bare", "unknown"],
)
def test_each_clock_says_what_it_can_be_used_for(
    facts: Mapping[str, Value | float | None], meaning: str, note: str | None, kind: str
) -> None:
    found, units, is_tagged = told(facts)
    assert (found, is_tagged) == (meaning, kind)
    assert (units is None) == (note is None)
    assert (note or "") in (units or "")


def test_the_json_holds_the_facts_the_calibration_and_the_words() -> None:
    written = clock_json(clock_of(Environment(target="local", facts=COUNTED)))
    assert msgspec.to_builtins(written) == {
        "name": "instructions",
        "accelerator": "tcg",
        "ns_per_instruction": 1,
        "processor": "max,-erms,-fsrm",
        "calibration": {"memcpy_ns_per_mib": 131072.5, "syscall_ns": 142.0},
        "meaning": told(COUNTED)[0],
    }
