"""KVM is tried, not believed: what a guest then runs on is said and recorded."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import loadstone
from commands import Done, needs_root
from lab.laboratory import NEW, Lab
from loadstone.lab.acceleration import why_not_kvm
from loadstone.lab.kernels import Kernel
from loadstone.lab.machine import ClockKind, make_machine, with_kvm
from loadstone.model import Run

GIB = 1 << 30


@needs_root
def test_who_may_not_open_kvm_is_told_so_and_no_kernel_is_booted(
    as_nobody: tuple[str, ...], place: Path
) -> None:
    program = (
        "from pathlib import Path\n"
        "from loadstone.lab.acceleration import why_not_kvm\n"
        "from loadstone.lab.kernels import Kernel\n"
        "from loadstone.lab.machine import ClockKind, make_machine, with_kvm\n"
        "machine = with_kvm(make_machine(ClockKind.WALL, 1 << 30, 'x86_64'))\n"
        "none = Kernel(name='none', release='6.6.6', image=Path('none'), modules=None,\n"
        "              architecture='x86_64')\n"
        "print(why_not_kvm(machine, none))\n"
    )
    command = [*as_nobody, sys.executable, "-c", program]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    assert done.stdout == "/dev/kvm does not exist, or this user may not open it\n"


@pytest.fixture(scope="module")
def by_the_wall(lab: Lab) -> tuple[Done, Run]:
    """A Run by the host's clock."""
    chosen = ("--set", "effect=syscall", "--rounds", "2", "--warmups", "0")
    done = lab.run("calibration", *chosen, "--clock", "wall", "--json")
    assert done.code == 0, done.err
    return done, loadstone.load(json.loads(done.out)["runs"][0]["run"], results=lab.command.results)


@pytest.mark.lab
def test_what_kvm_came_to_is_recorded_and_a_no_is_said_aloud(
    by_the_wall: tuple[Done, Run],
) -> None:
    done, run = by_the_wall
    facts = run.manifest.environment.facts
    assert facts["clock.name"] == "wall"
    assert "clock.ns_per_instruction" not in facts
    if facts["clock.accelerator"] == "kvm":
        assert facts["clock.processor"] == "host"
        assert "no KVM" not in done.err
    else:
        assert facts["clock.accelerator"] == "tcg"
        assert "no KVM (" in done.err
        assert "wall time is that of an emulated processor" in done.err


@pytest.mark.lab
def test_a_run_by_the_wall_says_so_wherever_it_is_shown(
    by_the_wall: tuple[Done, Run], lab: Lab
) -> None:
    said, run = by_the_wall
    clock = json.loads(said.out)["runs"][0]["clock"]
    assert clock["name"] == "wall"
    assert clock["accelerator"] == run.manifest.environment.facts["clock.accelerator"]
    shown = lab.command("show", run.id)
    assert f"({clock['accelerator'].upper()}" in shown.out
    assert "counted instructions" not in shown.out


@pytest.mark.lab
def test_why_a_kernel_does_not_boot_under_kvm_is_told_by_its_release(
    kernels: Callable[[str], Kernel],
) -> None:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("as root, with virtualization switched on: modprobe kvm_amd or kvm_intel")
    kernel = kernels(NEW)
    why = why_not_kvm(with_kvm(make_machine(ClockKind.WALL, GIB, "x86_64")), kernel)
    assert why is None or kernel.release in why
