"""Runs are compared by one clock only, and what else differs between them is said."""

import re

import msgspec
import pytest

from analysis.runs import STEADY, run_with
from loadstone.analysis.compare import compare
from loadstone.errors import CannotMeasureError
from loadstone.model import Input, Value

TCG = {"clock.accelerator": "tcg", "clock.processor": "max,-erms,-fsrm"}
COUNTED: dict[str, Value] = {"clock.name": "instructions", "clock.ns_per_instruction": 1, **TCG}
EMULATED: dict[str, Value] = {"clock.name": "wall", **TCG}
VIRTUAL: dict[str, Value] = {"clock.name": "wall", "clock.accelerator": "kvm"}


def test_warnings_name_what_else_differs_between_the_runs() -> None:
    base = run_with(
        "a", {"block 0": STEADY[:4]}, facts={"kernel.release": "6.1", "fs.type": "ext4"}
    )
    new = run_with(
        "b", {"block 0": STEADY}, hour=1, facts={"kernel.release": "6.6", "cpu.governor": "x"}
    )
    plan = msgspec.structs.replace(new.manifest.plan, input=Input(size_bytes=8192))
    manifest = msgspec.structs.replace(new.manifest, core="def", plan=plan)
    new = msgspec.structs.replace(new, manifest=manifest)
    assert compare(base, new).warnings == (
        "core: abc in BASE, def in NEW",
        "kernel.release: 6.1 in BASE, 6.6 in NEW",
        "fewer than 5 good rounds of block 0",
    )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (COUNTED, EMULATED, r"counted instructions \(1 ns each.*wall time of an emulated"),
        (EMULATED, VIRTUAL, r"emulated processor.*wall time of a virtual machine \(KVM"),
        (COUNTED, {}, "counted instructions.*time of a real machine"),
        ({}, VIRTUAL, r"real machine.*virtual machine \(KVM"),
        (COUNTED, COUNTED | {"clock.ns_per_instruction": 2}, "1 ns each.*2 ns each"),
    ],
)
def test_runs_of_different_clocks_are_not_compared_and_both_are_named(
    before: dict[str, Value], after: dict[str, Value], words: str
) -> None:
    base = run_with("a", {"block 0": STEADY}, facts=before)
    new = run_with("b", {"block 0": STEADY}, hour=1, facts=after)
    with pytest.raises(CannotMeasureError, match=r"^a is .*, and b in .*--clock$") as caught:
        compare(base, new)
    assert re.search(words, str(caught.value))


def test_runs_of_one_clock_carry_it_into_the_comparison() -> None:
    base, new = (
        run_with(name, {"block 0": STEADY}, hour=hour, facts=COUNTED)
        for hour, name in enumerate(("a", "b"))
    )
    clock = compare(base, new).clock
    assert clock is not None
    assert (clock.name, clock.ns_per_instruction) == ("instructions", 1)


def test_another_processor_or_storage_in_the_lab_is_warned_of_and_its_kernels_are_not() -> None:
    storage: dict[str, Value] = {"storage.profile": "ufs40", "storage.mbps": 4200}
    old: dict[str, Value] = {"kernel.release": "6.1.0-50-amd64", "lab.kernel": "bookworm"}
    later: dict[str, Value] = {"kernel.release": "7.3.4", "lab.kernel": "trixie-backports"}
    base = run_with("a", {"block 0": STEADY}, facts=COUNTED | storage | old)
    changes: dict[str, Value] = {"clock.processor": "max", "storage.mbps": 2100}
    new = run_with("b", {"block 0": STEADY}, hour=1, facts=COUNTED | storage | later | changes)
    comparison = compare(base, new)
    assert comparison.warnings == (
        "clock.processor: max,-erms,-fsrm in BASE, max in NEW",
        "storage.mbps: 4200 in BASE, 2100 in NEW",
    )
    assert comparison.base_kernel == "6.1.0-50-amd64 (bookworm)"
    assert comparison.new_kernel == "7.3.4 (trixie-backports)"


def test_one_kernel_s_name_for_two_releases_is_warned_of() -> None:
    base, new = (
        run_with(
            name,
            {"block 0": STEADY},
            hour=hour,
            facts=COUNTED | {"lab.kernel": "bookworm", "kernel.release": f"6.1.{hour}"},
        )
        for hour, name in enumerate(("a", "b"))
    )
    assert compare(base, new).warnings == ("kernel.release: 6.1.0 in BASE, 6.1.1 in NEW",)
