"""Carries out a Plan on a Target. Knows no workload and no target by name."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from loadstone._version import __version__
from loadstone.core import native
from loadstone.errors import LoadstoneError
from loadstone.model import Environment, Plan, Run, Status, Step, Trial
from loadstone.plan.order import order
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import examine
from loadstone.runs import store
from loadstone.runs.conditions import TrialConditions, resolve_conditions
from loadstone.runs.results_directory import DEFAULT_RESULTS, results_lock
from loadstone.runs.resuming import (
    check_known,
    check_nothing_to_erase,
    check_same,
    missing_steps,
    skipped_cases,
)
from loadstone.runs.trial import NextAction, run_trial
from loadstone.targets import Target
from loadstone.workloads import Prepared, workload


class Observer(Protocol):
    """Is told how a Run goes on."""

    def say(self, text: str) -> None:
        """A sentence for the user: what is prepared or waited for."""

    def begin(self, path: Path, steps: int) -> None:
        """The Run is on disk; this many Steps lie ahead."""

    def starting(self, step: Step) -> None:
        """A Step begins."""

    def ended(self, step: Step, trial: Trial | None) -> None:
        """It ended; None where the Case had been skipped before."""


class Silence:
    """An Observer that ignores everything."""

    def say(self, text: str) -> None: ...

    def begin(self, path: Path, steps: int) -> None: ...

    def starting(self, step: Step) -> None: ...

    def ended(self, step: Step, trial: Trial | None) -> None: ...


def run_plan(plan: Plan, target: Target, results: Path, observer: Observer) -> Run:
    """Carry out a Plan; every Trial is on disk before the next begins.

    Whatever ends it, what was set up is taken down and the Trials that ended are kept. A Target
    that went away is waited for, and the Run goes on with what it lacks.

    Raises:
        LoadstoneError: the input is unusable, the Target stayed away, or the results cannot be
            written.
    """
    with ExitStack() as stack:
        enter_results_lock(stack, results, observer)
        return _begin(plan, target, results, observer)


def run_side_by_side(
    plan: Plan, targets: Sequence[Target], results: Path, observers: Sequence[Observer]
) -> list[Run | LoadstoneError]:
    """Carry out a Plan on several Targets at the same time, a Run each.

    Returns:
        For each Target its Run, or what ended it early.
    """
    with ExitStack() as stack, ThreadPoolExecutor(len(targets)) as threads:
        enter_results_lock(stack, results, observers[0])
        begun = [
            threads.submit(_begin, plan, target, results, observer)
            for target, observer in zip(targets, observers, strict=True)
        ]
        try:
            wait(begun)
        except BaseException as error:
            for target in targets:
                target.interrupt()
            wait(begun)
            for note in (note for run in begun for note in _notes(run)):
                error.add_note(note)
            raise
        return [_ended(run) for run in begun]


def _notes(run: Future[Run]) -> tuple[str, ...]:
    """The notes of what ended a Run early: how to resume it, what was left behind."""
    return tuple(getattr(run.exception(), "__notes__", ()))


def _ended(run: Future[Run]) -> Run | LoadstoneError:
    error = run.exception()
    if error is None or isinstance(error, LoadstoneError):
        return error or run.result()
    raise error


def _begin(plan: Plan, target: Target, results: Path, observer: Observer) -> Run:
    with ExitStack() as stack:
        conditions = resolve_conditions(plan.conditions, target)
        prepared = _prepare(stack, plan, target, results, observer)
        writer = stack.enter_context(
            store.create(
                results,
                plan=msgspec.structs.replace(plan, input=prepared.input),
                metrics=workload(plan.workload).metrics,
                environment=_environment(target, prepared, conditions),
                loadstone=__version__,
                core=native.source_hash(),
            )
        )
        with _resume_note(writer, results):
            is_lost = _carry_out(
                list(order(plan)), (), target, prepared, conditions, writer, observer
            )
    run = store.load(writer.path)
    return _finish(run, target, results, observer) if is_lost else run


def resume_run(run: Run, target: Target, results: Path, observer: Observer) -> Run:
    """Carry out what a Run lacks.

    Raises:
        RunError: the file, the machine or the loadstone is not the one that began the Run.
    """
    check_known(run)
    if not missing_steps(run):
        return run
    with ExitStack() as stack:
        enter_results_lock(stack, results, observer)
        return _finish(run, target, results, observer)


def _finish(run: Run, target: Target, results: Path, observer: Observer) -> Run:
    while steps := missing_steps(run):
        check_nothing_to_erase(run)
        with ExitStack() as stack:
            writer = stack.enter_context(store.reopen(run))
            stack.enter_context(_resume_note(writer, results))
            conditions = resolve_conditions(
                run.manifest.plan.conditions, target, run.manifest.environment.facts
            )
            prepared = _prepare(stack, run.manifest.plan, target, results, observer)
            check_same(run, _environment(target, prepared, conditions))
            is_lost = _carry_out(steps, run.trials, target, prepared, conditions, writer, observer)
        run = store.load(run.path)
        if not is_lost:
            break
    return run


def enter_results_lock(stack: ExitStack, results: Path, observer: Observer) -> None:
    """Lock a results directory until the stack is left; others at work and leftovers are told.

    Raises:
        RunError: it is no directory that can be made, opened or read.
    """
    if stack.enter_context(results_lock(results)):
        observer.say(
            f"another loadstone is at work in {results}: each slows the other down and drops its "
            "cache; run one after the other"
        )
    found = examine(results)
    if found.dead:
        observer.say(
            f"what a killed Run set up is still there ({len(found.dead)}); remove it with: "
            f"loadstone clean{_where(results)}"
        )
    # What another machine has is that machine's to tell.
    if unknown := [entry for entry, known in found.unknown if not known.is_elsewhere]:
        observer.say(
            f"what another Run set up is still there ({len(unknown)}), and whether that is alive "
            f"cannot be told from here; loadstone clean{_where(results)} says more"
        )


def _where(results: Path) -> str:
    return "" if results == DEFAULT_RESULTS else f" --results {shlex.quote(str(results))}"


@contextmanager
def _resume_note(writer: store.RunWriter, results: Path) -> Iterator[None]:
    """Add to whatever ends a Run early how to resume it, where that can be done."""
    try:
        yield
    except BaseException as error:
        resume = f"loadstone resume {writer.path.name}{_where(results)}"
        is_resumable = not writer.manifest.plan.input.erase
        error.add_note(
            "the Trials that ended are kept" + (f"; go on with: {resume}" if is_resumable else "")
        )
        raise


def _prepare(
    stack: ExitStack, plan: Plan, target: Target, results: Path, observer: Observer
) -> Prepared:
    journal = stack.enter_context(Journal(results, target.name, target.execute))
    return stack.enter_context(
        workload(plan.workload).prepare(target, plan.input, plan.cases, journal, observer.say)
    )


def _environment(target: Target, prepared: Prepared, conditions: TrialConditions) -> Environment:
    found = target.environment(prepared.path)
    return msgspec.structs.replace(
        found, facts={**found.facts, **conditions.facts, **prepared.facts}
    )


def _carry_out(
    steps: list[Step],
    earlier: Iterable[Trial],
    target: Target,
    prepared: Prepared,
    conditions: TrialConditions,
    writer: store.RunWriter,
    observer: Observer,
) -> bool:
    """Carry out Steps.

    Returns:
        Whether the Target went away and is back: what was prepared there may be gone.
    """
    observer.begin(writer.path, len(steps))
    skipped = skipped_cases(earlier)
    for step in steps:
        observer.starting(step)
        if step.case.id in skipped:
            observer.ended(step, None)
            continue
        trial, action = run_trial(step, target, prepared, conditions, observer.say)
        writer.append(trial)
        observer.ended(step, trial)
        if trial.status is Status.SKIPPED:
            skipped.add(step.case.id)
        if action is NextAction.WAIT_FOR_TARGET:
            target.await_return(observer.say)
            return True
        if action is NextAction.STOP:
            return False
    return False
