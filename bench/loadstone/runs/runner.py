"""Carries out a Plan on a Target. Knows no workload and no target by name."""

import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from loadstone._version import __version__
from loadstone.analysis.stopping import stop_of
from loadstone.core import native
from loadstone.errors import LoadstoneError
from loadstone.model import Environment, Plan, Run, Status, Step, Trial
from loadstone.plan.stop_rule import stop_words
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import examine
from loadstone.runs import store
from loadstone.runs.conditions import TrialConditions, resolve_conditions
from loadstone.runs.controls import Controls, NoControls, prepared_controls
from loadstone.runs.knobs import prepared_with_knobs, tell_commands
from loadstone.runs.prepared_cases import metrics_of, prepared_cases
from loadstone.runs.results_directory import DEFAULT_RESULTS, results_lock
from loadstone.runs.resuming import (
    check_known,
    check_nothing_to_erase,
    check_same,
    missing_steps,
    skipped_cases,
)
from loadstone.runs.sitting import Sitting
from loadstone.runs.trial import NextAction, run_trial
from loadstone.targets import Target
from loadstone.workloads import Prepared


class Observer(Protocol):
    """Is told how a Run goes on."""

    def say(self, text: str) -> None:
        """A sentence for the user: what is prepared or waited for."""

    def begin(self, path: Path, steps: int) -> None:
        """The Run is on disk; this many Steps lie ahead."""

    def expect(self, steps: int) -> None:
        """Rounds are added: this many Steps are now likely to lie ahead."""

    def starting(self, step: Step) -> None:
        """A Step begins."""

    def ended(self, step: Step, trial: Trial | None) -> None:
        """It ended; None where the Case had been skipped before."""


class Silence:
    """An Observer that ignores everything."""

    def say(self, text: str) -> None: ...

    def begin(self, path: Path, steps: int) -> None: ...

    def expect(self, steps: int) -> None: ...

    def starting(self, step: Step) -> None: ...

    def ended(self, step: Step, trial: Trial | None) -> None: ...


class _Ready(NamedTuple):
    """A Target on which everything for a Run is set up."""

    target: Target
    prepared: Prepared
    conditions: TrialConditions
    controls: Controls | NoControls

    def environment(self) -> Environment:
        """The facts at this time, with those of what was set up."""
        found = self.target.environment(self.prepared.path)
        own = {**self.conditions.facts, **self.controls.facts, **self.prepared.facts}
        return msgspec.structs.replace(found, facts={**found.facts, **own})


def run_plan(
    plan: Plan,
    target: Target,
    results: Path,
    observer: Observer,
    with_controls: bool = True,
) -> Run:
    """Carry out a Plan; every Trial is on disk before the next begins.

    Whatever ends it, what was set up is taken down and the Trials that ended are kept. A Target
    that went away is waited for, and the Run goes on with what it lacks.

    Args:
        with_controls: whether there is anything about this machine that controls could tell.

    Raises:
        LoadstoneError: the input is unusable, the Target stayed away, or the results cannot be
            written.
    """
    with ExitStack() as stack:
        enter_results_lock(stack, results, observer)
        return _begin(plan, target, results, observer, with_controls)


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


def _begin(
    plan: Plan, target: Target, results: Path, observer: Observer, with_controls: bool = True
) -> Run:
    sitting = Sitting(plan.race or plan.until)
    with ExitStack() as stack:
        conditions = resolve_conditions(plan.conditions, target)
        ready = _prepare(stack, plan, target, conditions, results, observer, with_controls)
        writer = stack.enter_context(
            store.create(
                results,
                plan=msgspec.structs.replace(plan, input=ready.prepared.input),
                metrics=metrics_of(plan),
                environment=ready.environment(),
                loadstone=__version__,
                core=native.source_hash(),
            )
        )
        with _resume_note(writer, results):
            is_lost = _carry_out(sitting, (), ready, writer, observer)
    run = store.load(writer.path)
    if is_lost:
        return _finish(run, sitting, target, results, observer, with_controls)
    return _with_ending_told(run, sitting, observer)


def resume_run(run: Run, target: Target, results: Path, observer: Observer) -> Run:
    """Carry out what a Run lacks.

    Raises:
        RunError: the file, the machine or the loadstone is not the one that began the Run.
    """
    check_known(run)
    if not missing_steps(run.manifest, run.trials):
        return run
    with ExitStack() as stack:
        enter_results_lock(stack, results, observer)
        plan = run.manifest.plan
        return _finish(run, Sitting(plan.race or plan.until), target, results, observer)


def _finish(
    run: Run,
    sitting: Sitting,
    target: Target,
    results: Path,
    observer: Observer,
    with_controls: bool = True,
) -> Run:
    while missing_steps(run.manifest, run.trials) and not sitting.is_time_over():
        check_nothing_to_erase(run)
        with ExitStack() as stack:
            writer = stack.enter_context(store.reopen(run))
            stack.enter_context(_resume_note(writer, results))
            conditions = resolve_conditions(
                run.manifest.plan.conditions, target, run.manifest.environment.facts
            )
            plan = run.manifest.plan
            ready = _prepare(stack, plan, target, conditions, results, observer, with_controls)
            check_same(run, ready.environment())
            is_lost = _carry_out(sitting, run.trials, ready, writer, observer)
        run = store.load(run.path)
        if not is_lost:
            break
    return _with_ending_told(run, sitting, observer)


def _with_ending_told(run: Run, sitting: Sitting, observer: Observer) -> Run:
    """The same Run; where a rule ended it, that is said."""
    if (stop := stop_of(run)) is not None:
        observer.say(stop_words(stop, sitting.is_time_over()))
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
    stack: ExitStack,
    plan: Plan,
    target: Target,
    conditions: TrialConditions,
    results: Path,
    observer: Observer,
    with_controls: bool,
) -> _Ready:
    tell_commands(plan.cases, target, observer.say)
    journal = stack.enter_context(Journal(results, target.name, target.execute, target.run_shell))
    prepared = stack.enter_context(prepared_cases(plan, target, journal, observer.say))
    prepared = stack.enter_context(prepared_with_knobs(prepared, target, journal, plan.cases))
    controls = (
        stack.enter_context(prepared_controls(target, conditions, plan, journal))
        if with_controls
        else NoControls()
    )
    return _Ready(target, prepared, conditions, controls)


def _carry_out(
    sitting: Sitting,
    earlier: Sequence[Trial],
    ready: _Ready,
    writer: store.RunWriter,
    observer: Observer,
) -> bool:
    """Carry out the Steps that a Run lacks.

    Returns:
        Whether the Target went away and is back: what was prepared there may be gone.
    """
    trials = list(earlier)
    observer.begin(writer.path, len(missing_steps(writer.manifest, trials)))
    skipped = skipped_cases(earlier)
    for step in sitting.steps(writer.manifest, trials, observer):
        observer.starting(step)
        if step.case.id in skipped:
            observer.ended(step, None)
            continue
        trial, action = run_trial(
            step,
            ready.target,
            ready.prepared,
            ready.conditions,
            observer.say,
            ready.controls.measure,
        )
        writer.append(trial)
        trials.append(trial)
        observer.ended(step, trial)
        if trial.status is Status.SKIPPED:
            skipped.add(step.case.id)
        if action is NextAction.WAIT_FOR_TARGET:
            ready.target.await_return(observer.say)
            return True
        if action is NextAction.STOP:
            return False
    return False
