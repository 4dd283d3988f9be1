"""What came of each Case in a Run, and which Cases two Runs have not both measured well."""

from collections.abc import Iterable, Mapping, Sequence

from loadstone.analysis.comparison import CaseOutcome, CaseState, IncompleteCase
from loadstone.model import Case, Metric, Noun, Run, Status, Trial

_SAME_PLAN = "run the same plan for both"
_FINISH = "finish that Run with `loadstone resume`, or run the plan again"
_UNTRIED = CaseOutcome.MISSING
# Of a Case without figures; the first that it has a Trial of is told.
_BAD = {
    Status.FAILED: CaseOutcome.FAILED,
    Status.SKIPPED: CaseOutcome.SKIPPED,
    Status.INVALID: CaseOutcome.INVALID,
}
# What is nobody's fault where neither of two Runs measured it.
_NOT_TRIED = (CaseOutcome.MISSING, CaseOutcome.SKIPPED)


class Coverage(Noun, frozen=True, kw_only=True):
    """One Case in one Run: what came of it, and the Trials that count, in order of rounds."""

    id: str
    label: str
    state: CaseState
    trials: tuple[Trial, ...] = ()

    @property
    def is_measured(self) -> bool:
        """Whether the Case has figures there."""
        return self.state.outcome is CaseOutcome.MEASURED


def coverage(run: Run, metric: Metric | None) -> Mapping[str, Coverage]:
    """What came of every Case of a Run's Plan, by its id.

    Args:
        metric: the one that there have to be figures of; None for any Trial that counts.
    """
    return {case.id: _coverage(case, run, metric) for case in run.manifest.plan.cases}


def missing_from_plan(other: Coverage) -> Coverage:
    """The Case of another Run, in one whose Plan lacks it."""
    state = CaseState(
        outcome=CaseOutcome.MISSING,
        trials=0,
        failed=0,
        reason="not in its plan",
        remedy=_SAME_PLAN,
    )
    return Coverage(id=other.id, label=other.label, state=state)


def incomplete(base: Coverage, new: Coverage) -> IncompleteCase | None:
    """The Case, where not both Runs measured it without a failed Trial.

    None also where neither had it to measure: not in its Plan, or skipped.
    """
    states = (base.state, new.state)
    is_sound = all(side.is_measured for side in (base, new))
    if not any(state.failed for state in states) and (
        is_sound or all(state.outcome in _NOT_TRIED for state in states)
    ):
        return None
    return IncompleteCase(id=base.id, label=base.label, base=base.state, new=new.state)


def in_words(case: IncompleteCase) -> str:
    """The Case's label and, for each side where something is wrong, what: one line."""
    sides = (("BASE", case.base), ("NEW", case.new))
    told = [f"{name}: {words}" for name, state in sides if (words := state_words(state))]
    return f"{case.label} ({'; '.join(told)})"


def state_words(state: CaseState) -> str:
    """What went wrong with a Case; empty where nothing did."""
    reason = state.reason or "no reason known"
    match state.outcome:
        case CaseOutcome.MEASURED:
            number = f"{state.failed} Trial{'s' if state.failed > 1 else ''} failed"
            return f"{number}, {reason}" if state.failed else ""
        case CaseOutcome.MISSING | CaseOutcome.NO_FIGURE:
            return reason
        case outcome:
            return f"{outcome}, {reason}"


def _coverage(case: Case, run: Run, metric: Metric | None) -> Coverage:
    own = [trial for trial in run.trials if trial.case == case.id]
    counted = [trial for trial in own if trial.status is Status.OK and not trial.warmup]
    figured = [trial for trial in counted if metric is None or metric.name in trial.metrics]
    outcome = _outcome(own, counted, figured, metric)
    is_measured = outcome is CaseOutcome.MEASURED
    in_order = sorted(figured, key=lambda trial: trial.round) if is_measured else []
    failed = _of(own, Status.FAILED)
    reason, remedy = _why(outcome, own, failed, metric)
    state = CaseState(
        outcome=outcome, trials=len(in_order), failed=len(failed), reason=reason, remedy=remedy
    )
    return Coverage(id=case.id, label=case.label, state=state, trials=tuple(in_order))


def _of(trials: Sequence[Trial], status: Status) -> list[Trial]:
    """Those of a status. A warm-up's failure counts, as wrong data is wrong in a warm-up."""
    is_any = status is not Status.INVALID
    return [one for one in trials if one.status is status and (is_any or not one.warmup)]


def _outcome(
    own: Sequence[Trial],
    counted: Sequence[Trial],
    figured: Sequence[Trial],
    metric: Metric | None,
) -> CaseOutcome:
    if counted:
        is_zero = metric is not None and any(one.metrics[metric.name] <= 0 for one in figured)
        return CaseOutcome.NO_FIGURE if is_zero or not figured else CaseOutcome.MEASURED
    return next((outcome for status, outcome in _BAD.items() if _of(own, status)), _UNTRIED)


def _why(
    outcome: CaseOutcome, own: Sequence[Trial], failed: Sequence[Trial], metric: Metric | None
) -> tuple[str | None, str | None]:
    """Why a Case has no figures, or why some of its Trials failed; and what to do about it."""
    if outcome is CaseOutcome.MISSING:
        return "no round of it was run", _FINISH
    if outcome is CaseOutcome.NO_FIGURE and metric is not None:
        has_figure = any(metric.name in trial.metrics for trial in own)
        what = f"{metric.name} of zero has no ratio" if has_figure else f"no {metric.name}"
        return what, "compare by another --metric"
    status = next((status for status, of in _BAD.items() if of is outcome), None)
    bad = failed if status is None else _of(own, status)
    return _distinct(one.reason for one in bad), _distinct(one.remedy for one in bad)


def _distinct(texts: Iterable[str | None]) -> str | None:
    return "; ".join(dict.fromkeys(text for text in texts if text)) or None
