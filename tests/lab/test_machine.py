"""The virtual machine that is asked for, as options of QEMU and as facts."""

import re

import pytest
from click.testing import CliRunner

from loadstone.cli import cli
from loadstone.errors import UsageError
from loadstone.lab.machine import (
    LEAST_MEMORY_BYTES,
    ClockKind,
    Machine,
    machine_facts,
    make_machine,
    qemu_options,
    virtme_options,
    with_kvm,
)

GIB = 1 << 30
COUNTED = make_machine(ClockKind.INSTRUCTIONS, 2 * GIB, "x86_64")
EMULATED = make_machine(ClockKind.WALL, 2 * GIB, "x86_64")
FAST = with_kvm(EMULATED)


def value_of(option: str, words: list[str]) -> str:
    return words[words.index(option) + 1]


def test_an_instruction_is_a_nanosecond_and_idle_time_passes_at_once() -> None:
    assert value_of("-icount", qemu_options(COUNTED)) == "shift=0,sleep=off"
    assert machine_facts(COUNTED)["clock.ns_per_instruction"] == 1


def test_under_the_hosts_clock_no_instruction_is_counted() -> None:
    for machine in (EMULATED, FAST):
        assert "-icount" not in qemu_options(machine)
        assert "clock.ns_per_instruction" not in machine_facts(machine)
        assert machine_facts(machine)["clock.name"] == "wall"


@pytest.mark.parametrize("machine", [COUNTED, EMULATED])
def test_a_guest_is_emulated_with_the_processor_that_its_facts_name(machine: Machine) -> None:
    assert "--disable-kvm" in virtme_options(machine)
    assert value_of("-cpu", qemu_options(machine)) == machine_facts(machine)["clock.processor"]
    assert machine_facts(machine)["clock.accelerator"] == "tcg"


def test_under_kvm_a_guest_has_the_hosts_processor() -> None:
    assert "--disable-kvm" not in virtme_options(FAST)
    assert "-cpu" not in qemu_options(FAST)
    facts = machine_facts(FAST)
    assert (facts["clock.accelerator"], facts["clock.processor"]) == ("kvm", "host")


def test_the_kernel_moves_a_word_an_instruction_unless_told_otherwise() -> None:
    features = COUNTED.processor.split(",")
    assert {"-erms", "-fsrm"} <= set(features)
    asked = make_machine(ClockKind.INSTRUCTIONS, 2 * GIB, "x86_64", "qemu64")
    assert value_of("-cpu", qemu_options(asked)) == "qemu64"


def test_the_help_names_the_processor_that_a_guest_gets() -> None:
    said = CliRunner().invoke(cli, ["lab", "run", "--help"]).output
    assert f"[{COUNTED.processor}:" in re.sub(r"\s+", " ", said)


@pytest.mark.parametrize("machine", [COUNTED, EMULATED, FAST])
def test_a_guest_has_one_processor_and_the_memory_asked_for(machine: Machine) -> None:
    options = virtme_options(machine)
    assert value_of("--cpus", options) == "1"
    assert value_of("--memory", options) == "2048M"
    assert machine_facts(machine)["lab.memory_bytes"] == 2 * GIB


def test_too_little_memory_is_refused_with_how_much_is_enough() -> None:
    with pytest.raises(UsageError, match=r"--memory 512MiB: .*write 1 GiB or more"):
        make_machine(ClockKind.INSTRUCTIONS, GIB // 2, "x86_64")
    enough = make_machine(ClockKind.INSTRUCTIONS, LEAST_MEMORY_BYTES, "x86_64")
    assert enough.memory_bytes == GIB


def test_an_architecture_without_guests_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(UsageError, match=r"riscv64; name a kernel for x86_64 or aarch64"):
        make_machine(ClockKind.INSTRUCTIONS, GIB, "riscv64")


def test_words_for_the_kernel_are_handed_on_and_recorded() -> None:
    machine = make_machine(
        ClockKind.INSTRUCTIONS, 1 << 30, "x86_64", append="quiet mitigations=off"
    )
    assert [word for word in virtme_options(machine) if word.startswith("--kopt")] == [
        "--kopt=quiet",
        "--kopt=mitigations=off",
    ]
    assert machine_facts(machine)["lab.append"] == "quiet mitigations=off"


def test_words_for_the_kernel_with_quotation_marks_are_refused() -> None:
    with pytest.raises(UsageError, match="--append"):
        make_machine(ClockKind.INSTRUCTIONS, 1 << 30, "x86_64", append='a="b c"')
