"""What a Run lacks, and whether this loadstone and this machine may add it."""

from collections.abc import Iterable, Sequence

from loadstone.analysis.race import FINAL_ROUNDS, are_finals_begun, finalists, standing
from loadstone.analysis.stopping import precisions, rounds_made
from loadstone.core import native
from loadstone.errors import RunError, UsageError
from loadstone.model import Case, Environment, Manifest, Plan, Run, Status, Step, Trial
from loadstone.plan.order import LIMITS, order, whole_rounds
from loadstone.plan.parameters import parse_value
from loadstone.workloads import Workload, make_case, workload

_SAME_ON_RESUME = ("file.bytes", "file.crc32c", "kernel.release", "cpu.model", "cpu.pinned")


def missing_steps(manifest: Manifest, trials: Sequence[Trial]) -> list[Step]:
    """The Steps that have no Trial; of a Case that was skipped none is missing.

    They are those of the Plan and of rounds that have begun. Where those are complete, and the
    rule of the Plan asks for more, they are of the next round, or the next two where one in the
    opposite order goes with it. Of a race they are of the Cases that are in it.
    """
    plan = manifest.plan
    if plan.race is not None:
        return _missing_of_race(manifest, trials)
    if plan.until is None:
        return _without_trial(plan, trials, plan.rounds)
    rounds = whole_rounds(plan, max(plan.rounds, rounds_made(trials)))
    if missing := _without_trial(plan, trials, rounds):
        return missing
    metric = next(iter(manifest.metrics), None)
    if rounds >= plan.until.most_rounds or all(
        one.is_within(plan.until.within) for one in precisions(plan, metric, trials)
    ):
        return []
    return _without_trial(plan, trials, whole_rounds(plan, rounds + 1))


def _missing_of_race(manifest: Manifest, trials: Sequence[Trial]) -> list[Step]:
    """The Steps of the next round of a race, or of one that has begun."""
    plan, metric = manifest.plan, next(iter(manifest.metrics), None)
    if metric is None:
        return []
    now = standing(plan, metric, trials)
    if not now.active or are_finals_begun(plan, trials):
        return missing_finals(manifest, trials)
    missing = _without_trial(plan, trials, now.rounds + 1)
    return [
        step
        for step in missing
        if step.warmup or (step.round == now.rounds and step.case.id in now.active)
    ]


def missing_finals(manifest: Manifest, trials: Sequence[Trial]) -> list[Step]:
    """The Steps of what comes after a race, as it stands now."""
    plan, metric = manifest.plan, manifest.metrics[0]
    finals = finalists(plan, metric, trials)
    return [step for step in _without_trial(plan, trials, FINAL_ROUNDS) if step.case.id in finals]


def _without_trial(plan: Plan, trials: Sequence[Trial], rounds: int) -> list[Step]:
    done = {(trial.case, trial.round, trial.warmup) for trial in trials}
    skipped = skipped_cases(trials)
    return [
        step
        for step in order(plan, rounds)
        if step.case.id not in skipped and (step.case.id, step.round, step.warmup) not in done
    ]


def skipped_cases(trials: Iterable[Trial]) -> set[str]:
    """The ids of the Cases that were skipped."""
    return {trial.case for trial in trials if trial.status is Status.SKIPPED}


def check_known(run: Run) -> None:
    """Refuse a Run whose Cases this loadstone does not have, or measures by another core.

    Raises:
        RunError: it is such a Run.
    """
    plan = run.manifest.plan
    chosen = workload(plan.workload)
    names = {chosen.name, *((chosen.companion.workload,) if chosen.companion else ())}
    is_known = all(
        case.workload in names and _is_of(workload(case.workload), case) for case in plan.cases
    ) and all(least <= getattr(plan, name) <= most for name, (least, most) in LIMITS.items())
    if not is_known or run.manifest.core != native.source_hash():
        raise RunError(
            f"{run.id}: cannot be resumed: another version of loadstone made it, and the two may "
            "measure differently",
            remedy="start a new run and compare the two",
        )


def check_nothing_to_erase(run: Run) -> None:
    """Refuse to erase a device again: its name may be another disk's by now.

    Raises:
        RunError: the Plan erases one.
    """
    if erase := run.manifest.plan.input.erase:
        raise RunError(
            f"{run.id}: cannot be resumed: {', '.join(erase)} may be another device by now",
            remedy="start a new run with --device and --erase",
        )


def _is_of(chosen: Workload, case: Case) -> bool:
    """Whether it is a Case of today; one from before a parameter was added lacks that one."""
    then = case.parameters
    try:
        values = {
            one.name: parse_value(one, str(then[one.name]))
            for one in chosen.parameters
            if one.name in then or not one.is_added
        }
    except (KeyError, UsageError):
        return False
    now, _ = make_case(chosen, values)
    known = {name: value for name, value in now.parameters.items() if name in values}
    return (case.workload, case.id, then) == (now.workload, now.id, known)


def check_same(run: Run, now: Environment) -> None:
    """Refuse another file, kernel or processor than the Run was begun on.

    Raises:
        RunError: one of them is another.
    """
    then = run.manifest.environment.facts
    for name in _SAME_ON_RESUME:
        if then.get(name) != now.facts.get(name):
            raise RunError(
                f"{run.id}: cannot be resumed: {name} was {then.get(name)}, "
                f"now it is {now.facts.get(name)}",
                remedy="start a new run and compare the two",
            )
