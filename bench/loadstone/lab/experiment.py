"""Carries out one Plan in guests of several kernels: one Run per kernel, over all its boots."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from loadstone.errors import CannotMeasureError, ExitCode, LoadstoneError, UsageError
from loadstone.lab.calibration_cache import cached_calibration, calibration_file, store_calibration
from loadstone.lab.collect import Boot, Collector
from loadstone.lab.command import script
from loadstone.lab.guest import ConsoleListener, Guest, GuestError
from loadstone.lab.kernels import Kernel
from loadstone.lab.machine import machine_facts
from loadstone.lab.own_modules import own_facts
from loadstone.lab.parts import assignment_script, boot_parts
from loadstone.lab.programs import versions
from loadstone.lab.protocol import Assignment, Failure, Finished, StorageReady, decode
from loadstone.lab.setup import Setup
from loadstone.model import Fact, Plan, Run
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
# What a kernel measures after an oops is no figure of it.
_OOPS_IS_PANIC = "--kopt=oops=panic"
# Its headline, and where it was in the kernel: on x86, on arm64.
_OOPS = re.compile(r"\bBUG: |\bOops: |\bRIP: 0010:|\bpc : ")
# What a guest's init says before it ends, which is a panic.
_SET_UP_FAILED = "loadstone: a guest cannot be set up"
# A shell's exit code for SIGKILL, which only the kernel's OOM killer sends in a guest.
_KILLED = 137


class _Experiment(NamedTuple):
    """What all boots of an experiment share."""

    setup: Setup
    journal: Journal
    results: Path
    on_console_line: ConsoleListener


def run_lab(
    kernels: Sequence[Kernel],
    plan: Plan,
    setup: Setup,
    results: Path,
    observer: Observer,
    on_console_line: ConsoleListener,
) -> list[Run]:
    """Carry out a Plan under each kernel, in turns where there are several boots.

    Args:
        on_console_line: called with each line of a guest's console.

    Returns:
        One Run per kernel, in the kernels' order.

    Raises:
        GuestError: a guest ended early or took too long; the Trials that had ended are kept.
        LoadstoneError: the one that loadstone raised in the guest.
    """
    shares = split_rounds(plan, setup.boots)
    whole_devices(plan, setup.storage)
    with ExitStack() as stack:
        enter_results_lock(stack, results, observer)
        journal = stack.enter_context(Journal(results))
        experiment = _Experiment(
            setup=setup, journal=journal, results=results, on_console_line=on_console_line
        )
        collectors = [
            stack.enter_context(_collector(kernel, plan, setup, results, observer))
            for kernel in kernels
        ]
        with _noting_kept_trials(collectors):
            for boot, share in shares:
                for kernel, collector in zip(kernels, collectors, strict=True):
                    observer.say(_heading(kernel, boot, setup.boots))
                    collector.start_boot(boot)
                    _run_boot(kernel, share, collector, experiment)
        return [run for collector in collectors if (run := collector.run())]


def split_rounds(plan: Plan, boots: int) -> list[tuple[Boot, Plan]]:
    """A Plan per boot, with its part of the rounds; the first boots get one more if uneven."""
    if boots > plan.rounds:
        raise UsageError(
            f"--boots {boots}: every boot needs a round, and there are only {plan.rounds} rounds",
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
    """The least sizes of the devices that a Plan takes whole; empty for a Plan on files.

    Raises:
        UsageError: a guest cannot have such devices of this storage.
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
        **own_facts(kernel),
    }
    whole = msgspec.structs.replace(plan, warmups=plan.warmups * setup.boots)
    return Collector(f"lab:{kernel.release}", whole, facts, results, observer)


@contextmanager
def _noting_kept_trials(collectors: Sequence[Collector]) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if kept := [run.id for collector in collectors if (run := collector.run()) and run.trials]:
            error.add_note(f"the Trials that ended are kept: {', '.join(kept)}")
        raise


def _heading(kernel: Kernel, boot: Boot, boots: int) -> str:
    which = f", boot {boot.number + 1} of {boots}" if boots > 1 else ""
    own = ", ".join(module.file.name for module in kernel.own)
    return f"booting {_describe(kernel)}{f' with {own}' if own else ''}{which}"


def _run_boot(kernel: Kernel, plan: Plan, collector: Collector, experiment: _Experiment) -> None:
    setup = experiment.setup
    costs = calibration_file(kernel, setup.machine)
    assignment = Assignment(
        storage=setup.storage,
        file_system=setup.file_system,
        memory_bytes=setup.machine.memory_bytes,
        device_bytes=whole_devices(plan, setup.storage),
        calibration=cached_calibration(costs),
        plan=plan,
        modules=tuple(module.file.name for module in kernel.own),
    )
    with _booted(kernel, assignment, experiment) as guest:
        try:
            finished = _process_messages(guest, collector, setup.limit_s, costs)
        except GuestError as error:
            raise _guest_error(kernel, guest, error) from None
        if finished is None:
            raise _guest_error(kernel, guest, _early_end(guest))
        if finished.failure is not None:
            raise error_of(finished.failure)


def error_of(failure: Failure) -> LoadstoneError:
    """The error of a guest's Failure, of the class that has its exit code."""
    error = _ERRORS.get(failure.exit_code, LoadstoneError)(failure.what, remedy=failure.remedy)
    error.details = failure.details
    for note in failure.notes:
        error.add_note(note)
    return error


def _process_messages(
    guest: Guest, collector: Collector, limit_s: float, costs: Path | None
) -> Finished | None:
    """Process a guest's Messages; its Finished, or None where the guest ended without one."""
    is_up = False
    try:
        for line in guest.lines():
            message = decode(line)
            if message is None:
                guest.add_console_line(line)
                continue
            if isinstance(message, Finished):
                return message
            if not is_up:
                is_up = True
                guest.set_limit(limit_s)
            if isinstance(message, StorageReady):
                store_calibration(costs, message.facts)
            collector.receive(message)
    except GuestError as error:
        if is_up:
            raise GuestError(error.what, remedy="raise --limit, or measure less") from None
        raise GuestError(
            f"{error.what}: it did not come up",
            remedy="raise --boot-limit, or see its console with --verbose",
        ) from None
    return None


@contextmanager
def _booted(kernel: Kernel, assignment: Assignment, experiment: _Experiment) -> Iterator[Guest]:
    """A guest that carries out an Assignment; whatever was made for it is removed at the end."""
    setup = experiment.setup
    with boot_parts(
        kernel, assignment, setup.machine, experiment.journal, experiment.results
    ) as parts:
        text = script(parts.shares, parts.modules, assignment_script(assignment, parts.own))
        limit_s = setup.boot_limit_s
        argv = [*parts.argv, _OOPS_IS_PANIC]
        with Guest(argv, text, parts.directory, experiment.on_console_line, limit_s) as guest:
            yield guest


def _early_end(guest: Guest) -> GuestError:
    """The error of a guest that ended without Finished."""
    status = guest.exit_status()
    if any(_PANIC in line for line in guest.console):
        return GuestError(
            "its kernel panicked", remedy="see its console, above or whole with --verbose"
        )
    if status == _KILLED:
        return GuestError(
            "it ran out of memory",
            remedy="give it more with --memory, or take a smaller file or --storage",
        )
    return GuestError(
        f"it ended early (exit code {status})",
        remedy="see its console, above or whole with --verbose",
    )


def _guest_error(kernel: Kernel, guest: Guest, error: GuestError) -> GuestError:
    """The error with its kernel, the console's last lines, and earlier ones of an oops or panic."""
    earlier, last = guest.console[:-_LAST_LINES], guest.console[-_LAST_LINES:]
    panics = [line for line in earlier if _tells_cause(line)]
    return GuestError(
        f"the guest of {_describe(kernel)}: {error.what}",
        console=(*panics, *last),
        remedy=error.remedy,
    )


def _tells_cause(line: str) -> bool:
    return _PANIC in line or line.startswith(_SET_UP_FAILED) or bool(_OOPS.search(line))


def _describe(kernel: Kernel) -> str:
    """The user's name of a kernel, and its release where that is another."""
    return kernel.name if kernel.name == kernel.release else f"{kernel.name} ({kernel.release})"
