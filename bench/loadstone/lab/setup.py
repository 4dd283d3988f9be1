"""The settings that all guests of an experiment share, checked against this machine."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from loadstone.durable import require_unicode
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.lab.acceleration import why_not_kvm
from loadstone.lab.kernels import Kernel
from loadstone.lab.machine import ClockKind, Machine, make_machine, with_kvm
from loadstone.lab.needs import host_memory, require
from loadstone.lab.protocol import FileSystem
from loadstone.model import Conditions, Noun, Plan
from loadstone.plan.request import Request, make_plan
from loadstone.programs import find_program
from loadstone.provision.file_system import PACKAGES
from loadstone.provision.model_file import loadable_file
from loadstone.provision.simulated.profile import Driver, Profile, find_profile
from loadstone.text import printable
from loadstone.units import format_bytes, parse_bytes

DEFAULT_BYTES = 256 << 20
"""A model's size by default: smaller than elsewhere, as an emulated processor is slow."""


class Setup(Noun, frozen=True, kw_only=True):
    """A machine, its storage, and how long it may take, in s of the host's clock."""

    machine: Machine
    storage: Profile
    file_system: FileSystem
    boots: int
    boot_limit_s: float
    limit_s: float


def make_setup(
    kernels: Sequence[Kernel],
    *,
    storage: str,
    fs: str | None,
    mkfs: str,
    mount: str,
    clock: str,
    processor: str | None,
    append: str,
    memory: str,
    boots: int,
    boot_limit_s: float,
    limit_s: float,
    say: Callable[[str], None],
) -> Setup:
    """Check what was asked for, and whether this machine can provide it.

    Args:
        say: called with each remark for the user.

    Raises:
        UsageError: an option names something unknown or impossible.
        CannotMeasureError: this machine lacks a program, or memory.
    """
    require()
    profile = find_profile(storage)
    machine = make_machine(
        ClockKind(clock), _memory_bytes(memory), _architecture(kernels), processor, append
    )
    if machine.clock is ClockKind.WALL:
        machine = _accelerated(machine, kernels, say)
    elif profile.driver is Driver.VIRTIO_BLK:
        raise UsageError(
            f"--storage {storage}: a guest that waits for the host's disk counts no instructions, "
            "so its clock would jump",
            remedy="write --clock wall, or take a simulated device",
        )
    return Setup(
        machine=machine,
        storage=profile,
        file_system=_file_system(fs or ("f2fs" if profile.zoned else "ext4"), mkfs, mount),
        boots=boots,
        boot_limit_s=boot_limit_s,
        limit_s=limit_s,
    )


def lab_plan(request: Request) -> tuple[Plan, list[str]]:
    """The Plan of a Request, with its files made in the guest, and remarks for the user.

    Raises:
        UsageError: as for ``make_plan``; or it names a directory of this machine, or a file
            that cannot be copied.
    """
    plan, remarks = make_plan(request)
    if plan.until is not None:
        raise UsageError(
            "until: in the lab the rounds are divided among boots beforehand, and none are added",
            remedy="leave it out of the plan file, and write as many --rounds as are wanted",
        )
    if plan.input.devices:
        raise UsageError(
            f"--device {printable(plan.input.devices[0])}: in the lab a guest's devices are "
            "simulated",
            remedy="choose them with --storage",
        )
    if plan.input.directory is not None:
        raise UsageError(
            f"--dir {plan.input.directory}: in the lab files are made on the simulated device",
            remedy="leave --dir out, and choose that device with --storage",
        )
    if plan.conditions != Conditions():
        remarks = [*remarks, "pin and cool-below have no meaning in a guest of the lab: left out"]
    file = plan.input.file
    input = msgspec.structs.replace(
        plan.input,
        file=None if file is None else _file_or_directory(file),
        default_bytes=DEFAULT_BYTES,
    )
    return msgspec.structs.replace(plan, input=input, conditions=Conditions()), remarks


def _file_or_directory(named: str) -> str:
    """The real path; a directory is for Workloads that read one, which say so themselves."""
    if not Path(named).is_dir():
        return loadable_file(named)
    real = str(Path(named).resolve())
    require_unicode(real)
    return real


def _file_system(type: str, mkfs: str, mount: str) -> FileSystem:
    if type not in PACKAGES:
        raise UsageError(
            f"--fs {type}: cannot be made", remedy=f"name one of {', '.join(PACKAGES)}"
        )
    if find_program(f"mkfs.{type}") is None:
        raise CannotMeasureError(
            f"--fs {type}: no mkfs.{type} on this machine",
            remedy=f"install the Debian package {PACKAGES[type]}",
        )
    return FileSystem(type=type, mkfs=mkfs, mount=mount)


def _memory_bytes(text: str) -> int:
    try:
        memory_bytes = parse_bytes(text)
    except UsageError as error:
        raise error.within(f"--memory {text}") from None
    room = host_memory()
    if memory_bytes > room.limit_bytes:
        raise CannotMeasureError(
            f"--memory {format_bytes(memory_bytes)}: more than {room.words}",
            remedy=f"write less, or {room.more}",
        )
    return memory_bytes


def _architecture(kernels: Sequence[Kernel]) -> str:
    found = sorted({kernel.architecture for kernel in kernels})
    if len(found) > 1:
        raise UsageError(
            f"the kernels are of several architectures: {', '.join(found)}",
            remedy="name kernels of one architecture",
        )
    return found[0]


def _accelerated(
    machine: Machine, kernels: Sequence[Kernel], say: Callable[[str], None]
) -> Machine:
    """The machine with KVM, if every kernel boots under it: a comparison must not mix both."""
    fast = with_kvm(machine)
    for kernel in kernels:
        if why := why_not_kvm(fast, kernel):
            say(
                f"no KVM ({why}): the guests are emulated, and their wall time is that of an "
                "emulated processor; --clock instructions repeats better"
            )
            return machine
    return fast
