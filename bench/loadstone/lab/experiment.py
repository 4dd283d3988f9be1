"""Kernels × boots → Runs: the same Plan in a guest of each kernel, side by side."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from loadstone.errors import CannotMeasureError, ExitCode, LoadstoneError, UsageError
from loadstone.lab.collect import Boot, Collector
from loadstone.lab.command import script
from loadstone.lab.guest import Guest, GuestError, Listener
from loadstone.lab.kernels import Kernel
from loadstone.lab.known_costs import costs_file, keep_costs, known_costs
from loadstone.lab.machine import machine_facts
from loadstone.lab.parts import boot_parts, inside
from loadstone.lab.programs import versions
from loadstone.lab.protocol import Assignment, Fact, Over, Ready, decode
from loadstone.lab.setup import Setup
from loadstone.model import Plan, Run
from loadstone.provision.journal import Journal
from loadstone.provision.simulated.profile import Driver, Profile
from loadstone.runs.runner import Observer, enter_results_lock
from loadstone.workloads import workload

_ERRORS: dict[int, type[LoadstoneError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.NOT_MEASURED: CannotMeasureError,
}
_LAST_LINES = 12
_PANIC = "Kernel panic"
# What a shell makes of a SIGKILL; only the kernel sends one there.
_KILLED = 137


class _Bench(NamedTuple):
    """What all boots of an experiment share."""

    setup: Setup
    journal: Journal
    results: Path
    listen: Listener


def run_lab(
    kernels: Sequence[Kernel],
    plan: Plan,
    setup: Setup,
    results: Path,
    observer: Observer,
    listen: Listener,
) -> list[Run]:
    """Carry out a Plan under each kernel, in turns where there are several boots.

    Args:
        listen: told each line of a guest's console.

    Returns:
        One Run a kernel, in the kernels' order.

    Raises:
        GuestError: a guest ended before its time; the Trials that had ended are kept.
        LoadstoneError: what the guest's own loadstone raised.
    """
    shares = deal_out(plan, setup.boots)
    whole_devices(plan, setup.storage)
    with ExitStack() as stack:
        enter_results_lock(stack, results, observer)
        journal = stack.enter_context(Journal(results))
        bench = _Bench(setup=setup, journal=journal, results=results, listen=listen)
        collectors = [
            stack.enter_context(_collector(kernel, plan, setup, results, observer))
            for kernel in kernels
        ]
        with _told_what_is_kept(collectors):
            for boot, share in shares:
                for kernel, collector in zip(kernels, collectors, strict=True):
                    observer.say(_heading(kernel, boot, setup.boots))
                    collector.take_boot(boot)
                    _carry_out(kernel, share, collector, bench)
        return [run for collector in collectors if (run := collector.run())]


def deal_out(plan: Plan, boots: int) -> list[tuple[Boot, Plan]]:
    """A Plan's rounds dealt out to boots, the first getting one more where they don't divide."""
    if boots > plan.rounds:
        raise UsageError(
            f"--boots {boots}: there are only {plan.rounds} rounds, and every boot needs one",
            remedy=f"write --rounds {boots}",
        )
    shares, first_round = [], 0
    for number in range(boots):
        rounds = plan.rounds // boots + (number < plan.rounds % boots)
        boot = Boot(number=number, first_round=first_round, first_warmup=number * plan.warmups)
        seed = (plan.seed + number) % (1 << 63)
        shares.append((boot, msgspec.structs.replace(plan, rounds=rounds, seed=seed)))
        first_round += rounds
    return shares


def whole_devices(plan: Plan, storage: Profile) -> tuple[int, ...]:
    """The least sizes of the devices that a Plan takes whole; none for one that works on files.

    Raises:
        UsageError: the storage is none of which a guest could have these.
    """
    sizes = workload(plan.workload).devices(plan.input, plan.cases)
    if sizes and storage.zoned:
        raise UsageError(
            f"--storage {storage.name}: {plan.workload} writes anywhere on a device, and zones "
            "are written in order",
            remedy="take ufs21, ufs31, ufs40, nvme",
        )
    if len(sizes) > 1 and storage.driver is Driver.VIRTIO_BLK:
        raise UsageError(
            f"--storage {storage.name}: a guest has one such disk, and the Cases take {len(sizes)} "
            "devices",
            remedy="take ufs21, ufs31, ufs40, nvme, or --set devices=1",
        )
    return sizes


def _collector(
    kernel: Kernel, plan: Plan, setup: Setup, results: Path, observer: Observer
) -> Collector:
    facts: dict[str, Fact] = {
        **machine_facts(setup.machine),
        **versions(setup.machine.architecture),
        "lab.kernel": kernel.name,
        "lab.package": kernel.package,
        "lab.package_version": kernel.version,
        "lab.boots": setup.boots,
    }
    whole = msgspec.structs.replace(plan, warmups=plan.warmups * setup.boots)
    return Collector(f"lab:{kernel.release}", whole, facts, results, observer)


@contextmanager
def _told_what_is_kept(collectors: Sequence[Collector]) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if kept := [run.id for collector in collectors if (run := collector.run()) and run.trials]:
            error.add_note(f"the Trials that ended are kept: {', '.join(kept)}")
        raise


def _heading(kernel: Kernel, boot: Boot, boots: int) -> str:
    which = f", boot {boot.number + 1} of {boots}" if boots > 1 else ""
    return f"booting {_name(kernel)}{which}"


def _carry_out(kernel: Kernel, plan: Plan, collector: Collector, bench: _Bench) -> None:
    setup = bench.setup
    costs = costs_file(kernel, setup.machine)
    assignment = Assignment(
        storage=setup.storage,
        file_system=setup.file_system,
        memory_bytes=setup.machine.memory_bytes,
        device_bytes=whole_devices(plan, setup.storage),
        calibration=known_costs(costs),
        plan=plan,
    )
    with _booted(kernel, assignment, bench) as guest:
        try:
            end = _hear_out(guest, collector, setup.limit_s, costs)
        except GuestError as error:
            raise _guest_error(kernel, guest, error.what, error.remedy) from None
        if end is None:
            raise _guest_error(kernel, guest, *_why_ended(guest))
        if end.error is not None:
            raise _ERRORS.get(end.exit_code, LoadstoneError)(end.error, remedy=end.remedy)


def _hear_out(
    guest: Guest, collector: Collector, limit_s: float, costs: Path | None
) -> Over | None:
    """Take in all that a guest tells; its last word, or None where it died without one."""
    is_up = False
    try:
        for line in guest.lines():
            message = decode(line)
            if message is None:
                guest.hear(line)
                continue
            if isinstance(message, Over):
                return message
            if not is_up:
                is_up = True
                guest.allow(limit_s)
            if isinstance(message, Ready):
                keep_costs(costs, message.facts)
            collector.take(message)
    except GuestError as error:
        if is_up:
            raise GuestError(error.what, remedy="give it more with --limit") from None
        remedy = "see its console, or give it more with --boot-limit"
        raise GuestError(f"{error.what}: it never came up", remedy=remedy) from None
    return None


@contextmanager
def _booted(kernel: Kernel, assignment: Assignment, bench: _Bench) -> Iterator[Guest]:
    """A guest that carries out an Assignment; all that it needed is gone at the end."""
    setup = bench.setup
    with boot_parts(kernel, assignment, setup.machine, bench.journal, bench.results) as parts:
        text = script(parts.shares, parts.modules, inside(assignment))
        limit_s = setup.boot_limit_s
        with Guest(parts.argv, text, parts.directory, bench.listen, limit_s) as guest:
            yield guest


def _why_ended(guest: Guest) -> tuple[str, str]:
    """How a guest ended that did not say so itself, and what to do about it."""
    status = guest.exit_status()
    if any(_PANIC in line for line in guest.console):
        return "its kernel panicked", "see its console above, and try another --kernel"
    if status == _KILLED:
        return "it ran out of memory", "give it more with --memory, or let it do with less"
    return f"it ended early (exit {status})", "see its console above"


def _guest_error(kernel: Kernel, guest: Guest, why: str, remedy: str | None) -> GuestError:
    """The error of a guest, with the lines of its console that name a panic, and the last ones."""
    earlier, last = guest.console[:-_LAST_LINES], guest.console[-_LAST_LINES:]
    telling = [line for line in earlier if _PANIC in line]
    words = f"the guest of {_name(kernel)}: {why}"
    return GuestError(words, console=(*telling, *last), remedy=remedy)


def _name(kernel: Kernel) -> str:
    """A kernel as the user named it, and what it is."""
    return kernel.name if kernel.name == kernel.release else f"{kernel.name} ({kernel.release})"
