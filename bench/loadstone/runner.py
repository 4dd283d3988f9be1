"""Plan × Target → Run. Knows no workload and no target by name."""

import shlex
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from loadstone import __version__, core, store
from loadstone.errors import RunError, UsageError
from loadstone.evidence import timed_ns
from loadstone.held_conditions import HeldConditions, hold
from loadstone.journal import Journal, stale
from loadstone.model import Case, Environment, Finding, Outcome, Plan, Run, Status, Step, Trial
from loadstone.parameters import parse_value
from loadstone.plan import LIMITS, order
from loadstone.targets import Target
from loadstone.workloads import Prepared, Workload, workload
from loadstone.workplace import DEFAULT_RESULTS, workplace

_SAME_ON_RESUME = ("file.bytes", "file.crc32c", "kernel.release", "cpu.model", "cpu.pinned")


class Observer(Protocol):
    """Whoever watches a Run go on."""

    def say(self, text: str) -> None:
        """A sentence on what is being prepared."""

    def begin(self, path: Path, steps: int) -> None:
        """The Run is on disk; this many Steps lie ahead."""

    def starting(self, step: Step) -> None:
        """A Step begins."""

    def ended(self, step: Step, trial: Trial | None) -> None:
        """It ended; None where the Case had been skipped before."""


class Silence:
    """Nobody watches."""

    def say(self, text: str) -> None: ...

    def begin(self, path: Path, steps: int) -> None: ...

    def starting(self, step: Step) -> None: ...

    def ended(self, step: Step, trial: Trial | None) -> None: ...


def run_plan(plan: Plan, target: Target, results: Path, observer: Observer) -> Run:
    """Carry out a Plan; every Trial is on disk before the next begins.

    Whatever ends it, what was set up is taken down and the Trials that ended are kept.

    Raises:
        LoadstoneError: the subject is unusable, or the results cannot be written.
    """
    with ExitStack() as stack:
        enter_workplace(stack, results, observer)
        held = hold(plan.conditions, target)
        prepared = _prepare(stack, plan, target, results, observer)
        writer = stack.enter_context(
            store.create(
                results,
                plan=msgspec.structs.replace(plan, subject=prepared.subject),
                metrics=workload(plan.workload).metrics,
                environment=_environment(target, prepared, held),
                loadstone=__version__,
                core=core.source_hash(),
            )
        )
        with _told_how_to_go_on(writer, results):
            _carry_out(list(order(plan)), (), target, prepared, held, writer, observer)
    return store.load(writer.path)


def resume_run(run: Run, target: Target, results: Path, observer: Observer) -> Run:
    """Carry out what a Run lacks.

    Raises:
        RunError: the file, the machine or the loadstone is not the one that began the Run.
    """
    plan = run.manifest.plan
    _check_known(run)
    steps = _missing(run)
    if not steps:
        return run
    _check_nothing_to_erase(run)
    with ExitStack() as stack:
        enter_workplace(stack, results, observer)
        writer = stack.enter_context(store.reopen(run))
        held = hold(plan.conditions, target, run.manifest.environment.facts)
        prepared = _prepare(stack, plan, target, results, observer)
        _check_same(run, _environment(target, prepared, held))
        with _told_how_to_go_on(writer, results):
            _carry_out(steps, run.trials, target, prepared, held, writer, observer)
    return store.load(run.path)


def enter_workplace(stack: ExitStack, results: Path, observer: Observer) -> None:
    """Hold a results directory as long as the stack stands; what the user should know is said.

    Raises:
        RunError: it is no directory that can be made, opened or read.
    """
    if stack.enter_context(workplace(results)):
        observer.say(
            f"another loadstone is at work in {results}: each slows the other down and drops its "
            "cache; figures are better made one after the other"
        )
    if left := stale(results):
        observer.say(
            f"what a killed Run set up is still there ({len(left)}); remove it with: "
            f"loadstone clean{_where(results)}"
        )


def _where(results: Path) -> str:
    return "" if results == DEFAULT_RESULTS else f" --results {shlex.quote(str(results))}"


@contextmanager
def _told_how_to_go_on(writer: store.RunWriter, results: Path) -> Iterator[None]:
    """Whatever ends a Run early says how to go on with it, where that can be done."""
    try:
        yield
    except BaseException as error:
        resume = f"loadstone resume {writer.path.name}{_where(results)}"
        is_resumable = not writer.manifest.plan.subject.erase
        error.add_note(
            "the Trials that ended are kept" + (f"; go on with: {resume}" if is_resumable else "")
        )
        raise


def _prepare(
    stack: ExitStack, plan: Plan, target: Target, results: Path, observer: Observer
) -> Prepared:
    journal = stack.enter_context(Journal(results))
    return stack.enter_context(
        workload(plan.workload).prepare(target, plan.subject, plan.cases, journal, observer.say)
    )


def _environment(target: Target, prepared: Prepared, held: HeldConditions) -> Environment:
    found = target.environment(prepared.path)
    return msgspec.structs.replace(found, facts={**found.facts, **held.facts, **prepared.facts})


def _missing(run: Run) -> list[Step]:
    done = {(trial.case, trial.round, trial.warmup) for trial in run.trials}
    skipped = _skipped(run.trials)
    return [
        step
        for step in order(run.manifest.plan)
        if step.case.id not in skipped and (step.case.id, step.round, step.warmup) not in done
    ]


def _skipped(trials: Iterable[Trial]) -> set[str]:
    return {trial.case for trial in trials if trial.status is Status.SKIPPED}


def _check_known(run: Run) -> None:
    """A Run from elsewhere may name what this loadstone would not, or not in this way, run."""
    plan = run.manifest.plan
    chosen = workload(plan.workload)
    is_known = all(_is_of(chosen, case) for case in plan.cases) and all(
        least <= getattr(plan, name) <= most for name, (least, most) in LIMITS.items()
    )
    if not is_known or run.manifest.core != core.source_hash():
        raise RunError(
            f"{run.id}: cannot be resumed: another version of loadstone made it, and the two may "
            "measure differently; start a new run and compare the two"
        )


def _check_nothing_to_erase(run: Run) -> None:
    """A name may mean another disk by now; only who types it twice says that it may be lost."""
    if erase := run.manifest.plan.subject.erase:
        raise RunError(
            f"{run.id}: cannot be resumed: {', '.join(erase)} may be another device by now; start "
            "a new run with --device and --erase"
        )


def _is_of(chosen: Workload, case: Case) -> bool:
    try:
        values = {
            parameter.name: parse_value(parameter, str(case.parameters[parameter.name]))
            for parameter in chosen.parameters
        }
    except (KeyError, UsageError):
        return False
    parameters, _ = chosen.complete(values)
    return case == Case.of(chosen.name, case.label, parameters)


def _check_same(run: Run, now: Environment) -> None:
    then = run.manifest.environment.facts
    for name in _SAME_ON_RESUME:
        if then.get(name) != now.facts.get(name):
            raise RunError(
                f"{run.id}: cannot be resumed: {name} was {then.get(name)}, "
                f"now it is {now.facts.get(name)}; start a new run and compare the two"
            )


def _carry_out(
    steps: list[Step],
    earlier: Iterable[Trial],
    target: Target,
    prepared: Prepared,
    held: HeldConditions,
    writer: store.RunWriter,
    observer: Observer,
) -> None:
    observer.begin(writer.path, len(steps))
    skipped = _skipped(earlier)
    for step in steps:
        observer.starting(step)
        if step.case.id in skipped:
            observer.ended(step, None)
            continue
        trial, ends_run = _try(step, target, prepared, held, observer)
        writer.append(trial)
        observer.ended(step, trial)
        if trial.status is Status.SKIPPED:
            skipped.add(step.case.id)
        if ends_run:
            return


def _try(
    step: Step, target: Target, prepared: Prepared, held: HeldConditions, observer: Observer
) -> tuple[Trial, bool]:
    outcome = Outcome()
    finding = prepared.objection(step.case)
    waited = held.await_cool(observer.say) if finding is None else {}
    started, start_ns = datetime.now(UTC), time.monotonic_ns()
    if finding is None:
        before = held.look()
        outcome = target.execute(held.placed(prepared.job(step.case)))
        finding = prepared.judge(step.case, outcome)
        finding = finding if outcome.lost else held.judged(finding, before, waited)
    trial = Trial(
        case=step.case.id,
        round=step.round,
        warmup=step.warmup,
        started=started.isoformat(timespec="milliseconds"),
        status=finding.status,
        reason=finding.reason,
        remedy=finding.remedy,
        metrics=finding.metrics,
        evidence=finding.evidence,
        notes=finding.notes,
        spans=outcome.spans,
        histograms=outcome.histograms,
        overhead_ns=time.monotonic_ns() - start_ns - sum(_inherent_ns(finding, outcome)),
    )
    return trial, finding.ends_run


def _inherent_ns(finding: Finding, outcome: Outcome) -> Iterator[int]:
    """What a Trial takes by its nature: the timed region, the cache's state, what checks it."""
    for span in outcome.spans:
        if span.name == "release":
            yield span.end_ns - span.start_ns
    yield int(timed_ns(finding.evidence) or 0)
    for name in ("set_cache_ns", "set_up_ns", "verify_ns", "trace_ns"):
        yield int(finding.evidence.get(name, 0))
