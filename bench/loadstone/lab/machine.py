"""The virtual machine of a guest: its processor, its clock, its memory."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from loadstone.errors import UsageError
from loadstone.model import Noun, Value
from loadstone.units import format_bytes, format_bytes_rounded

LEAST_MEMORY_BYTES = 1 << 30
"""Below this a stock kernel boots, but Python, a file and its copy no longer fit."""

_NS_PER_INSTRUCTION = 1
_PROCESSORS = {"x86_64": "max,-erms,-fsrm", "aarch64": "max"}
"""The processors that QEMU emulates, closest to hardware of those tried (table in docs/lab.md).

The instruction clock counts each iteration of a ``rep`` string instruction: with ERMS or FSRM the
kernel copies and clears one byte per iteration, without them eight. AVX stays on: libc copies 32
bytes per instruction with it.
"""


class ClockKind(StrEnum):
    """What a guest's clock counts: its instructions, or the host's time."""

    INSTRUCTIONS = "instructions"
    WALL = "wall"


class Machine(Noun, frozen=True, kw_only=True):
    """A virtual machine. ``accelerator`` is ``tcg`` or ``kvm``; one vCPU always.

    With two, a 7.3 kernel crashes in ``int3`` while it patches its own code under the TCG of
    QEMU 7.2; and only one makes a count of instructions a clock.
    """

    architecture: str
    clock: ClockKind
    memory_bytes: int
    processor: str
    append: str = ""
    accelerator: str = "tcg"


def make_machine(
    clock: ClockKind,
    memory_bytes: int,
    architecture: str,
    processor: str | None = None,
    append: str = "",
) -> Machine:
    """An emulated machine.

    Args:
        memory_bytes: the guest's.
        architecture: by uname's name.
        processor: QEMU's ``-cpu``; the lab's default if None.
        append: parameters for the end of the kernel's command line.

    Raises:
        UsageError: too little memory, an architecture that the lab does not boot, or a
            parameter that virtme-run does not take.
    """
    if architecture not in _PROCESSORS:
        raise UsageError(
            f"the lab has no guests of the architecture {architecture}",
            remedy=f"name a kernel for {' or '.join(_PROCESSORS)}",
        )
    if memory_bytes < LEAST_MEMORY_BYTES:
        raise UsageError(
            f"--memory {format_bytes(memory_bytes)}: is too little for a guest",
            remedy=f"write {format_bytes_rounded(LEAST_MEMORY_BYTES)} or more, and at least three "
            "times the model's size",
        )
    if '"' in append:
        raise UsageError(
            f"--append {append}: virtme-run takes no quotation marks", remedy="leave them out"
        )
    return Machine(
        architecture=architecture,
        clock=clock,
        memory_bytes=memory_bytes,
        processor=processor or _PROCESSORS[architecture],
        append=append,
    )


def with_kvm(machine: Machine) -> Machine:
    """The same machine under KVM, with the host's own processor."""
    return msgspec.structs.replace(machine, accelerator="kvm", processor="host")


def virtme_options(machine: Machine) -> list[str]:
    """Options of ``virtme-run``, without those for QEMU."""
    options = ["--arch", machine.architecture, "--cpus", "1"]
    options += ["--memory", f"{machine.memory_bytes >> 20}M"]
    # A microvm has virtio-fs and no PCI: the machine would differ between the two clocks.
    options += ["--disable-microvm"]
    options += [f"--kopt={word}" for word in machine.append.split()]
    return options if machine.accelerator == "kvm" else [*options, "--disable-kvm"]


def qemu_options(machine: Machine) -> list[str]:
    """Options of QEMU; a later ``-cpu`` overrides that of virtme-run."""
    options = [] if machine.accelerator == "kvm" else ["-cpu", machine.processor]
    if machine.clock is ClockKind.INSTRUCTIONS:
        # sleep=off: idle time is skipped.
        options += ["-icount", "shift=0,sleep=off"]
    return options


def machine_facts(machine: Machine) -> Mapping[str, Value]:
    """The machine's facts for an Environment."""
    facts: dict[str, Value] = {
        "clock.name": machine.clock.value,
        "clock.accelerator": machine.accelerator,
        "clock.processor": machine.processor,
        "lab.architecture": machine.architecture,
        "lab.memory_bytes": machine.memory_bytes,
        "lab.append": machine.append,
    }
    if machine.clock is ClockKind.INSTRUCTIONS:
        facts["clock.ns_per_instruction"] = _NS_PER_INSTRUCTION
    return facts
