"""Compares Cases within one Run: what one parameter changes, all others alike, round by round."""

from collections.abc import Iterator, Mapping, Sequence

from loadstone.analysis.comparability import kernel_of
from loadstone.analysis.comparison import Comparison, Design, IncompleteCase
from loadstone.analysis.coverage import Coverage, coverage, in_words, incomplete
from loadstone.analysis.effects import (
    effects_of,
    few_rounds_warnings,
    metric_of,
)
from loadstone.analysis.pairing import Match, aligned, change_label
from loadstone.analysis.stopping import confidence_of
from loadstone.analysis.thresholds import DEFAULT, Thresholds, thresholds_of
from loadstone.analysis.time_base import clock_of
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Case, Plan, Run, Value
from loadstone.text import did_you_mean

PAIRS = "ab"
"""For a parameter's name: the pairs of the Plan are compared."""

_Others = tuple[tuple[str, Value], ...]


def compare_within(
    run: Run, by: str, threshold: float | Thresholds = DEFAULT, metric_name: str | None = None
) -> Comparison:
    """Compare the Cases of a Run that differ in one parameter alone with the first of them.

    Each round of a Run has every Case once, in an order that is drawn anew, so what drifts or
    steps meets all Cases alike: figures are paired by round, and nothing lies between them.

    Args:
        by: the parameter's name, a knob's as ``knob.NAME``; its first value in the Plan is BASE.
            Or ``PAIRS``.
        threshold: as for ``loadstone.analysis.compare.compare``.
        metric_name: None for the workload's primary metric.

    Raises:
        CannotMeasureError: no two measured Cases differ in it alone.
        UsageError: the Cases have no such parameter, or the Run no such metric.
    """
    thresholds = thresholds_of(threshold)
    metric = metric_of(run, metric_name)
    if metric is None:
        raise CannotMeasureError(f"{run.id} measures nothing", remedy="name another Run")
    _require_parameter(run, by)
    covered = coverage(run, metric)
    matches: list[Match] = []
    troubled: list[IncompleteCase] = []
    for label, base_case, new_case in _changes(run.manifest.plan, by):
        base, new = covered[base_case.id], covered[new_case.id]
        if base.is_measured and new.is_measured:
            matches.append(aligned(label, base.trials, new.trials, is_paired=True))
        if trouble := incomplete(_named(base, label), _named(new, label)):
            troubled.append(trouble)
    if not matches:
        raise _nothing_to_compare(run, by, troubled)
    return Comparison(
        base=run.id,
        new=run.id,
        design=Design.WITHIN_RUN,
        by=by,
        effects=effects_of(matches, metric, thresholds, confidence_of(run.manifest.plan)),
        unmatched=(),
        warnings=(*few_rounds_warnings(matches), *_order_warnings(run)),
        clock=clock_of(run.manifest.environment),
        base_kernel=kernel_of(run),
        new_kernel=kernel_of(run),
        incomplete=tuple(troubled),
    )


def require_other_side(has_other_run: bool, by: str | None) -> None:
    """Refuse a comparison of a Run with nothing, or with two things.

    Raises:
        UsageError: there is neither another Run nor a parameter, or both.
    """
    if has_other_run == (by is not None):
        raise UsageError(
            "a Run is compared with another one, or its Cases by a parameter: "
            + ("both are named" if has_other_run else "neither is named"),
            remedy="name a second Run, or --by PARAMETER",
        )


def _require_parameter(run: Run, by: str) -> None:
    names = dict.fromkeys(name for case in run.manifest.plan.cases for name in case.axes)
    if run.manifest.plan.pairs:
        names[PAIRS] = None
    if by not in names:
        raise UsageError(
            f"--by {by}: the Cases of {run.id} have no such parameter{did_you_mean(by, names)}",
            remedy=f"they have {', '.join(names)}",
        )


def _changes(plan: Plan, by: str) -> Iterator[tuple[str, Case, Case]]:
    """Each Case beside the first that differs from it in one parameter alone, and its label.

    Or beside that which it was planned to be compared with.
    """
    if by == PAIRS:
        cases = {case.id: case for case in plan.cases}
        for base, new in plan.pairs:
            yield change_label(cases[base], cases[new]), cases[base], cases[new]
        return
    for same in _alike_but(plan.cases, by).values():
        first, *others = same
        for other in others:
            yield change_label(first, other, by), first, other


def _alike_but(cases: Sequence[Case], by: str) -> Mapping[_Others, list[Case]]:
    groups: dict[_Others, list[Case]] = {}
    for case in cases:
        if by in (axes := case.axes):
            others = sorted(item for item in axes.items() if item[0] != by)
            groups.setdefault(tuple(others), []).append(case)
    return groups


def _named(covered: Coverage, label: str) -> Coverage:
    return Coverage(id=covered.id, label=label, state=covered.state, trials=covered.trials)


def _order_warnings(run: Run) -> list[str]:
    """That another program's order was not drawn anew in each round."""
    if not run.manifest.environment.is_imported:
        return []
    return [
        "the Cases of an imported Run follow each other in one order in every round: what one "
        "leaves behind always meets the same next one"
    ]


def _nothing_to_compare(
    run: Run, by: str, troubled: Sequence[IncompleteCase]
) -> CannotMeasureError:
    if troubled:
        return CannotMeasureError(
            f"no two Cases of {run.id} that differ in {by} alone were measured: "
            f"{in_words(troubled[0])}",
            remedy=troubled[0].new.remedy or troubled[0].base.remedy,
        )
    return CannotMeasureError(
        f"no two Cases of {run.id} differ in {by} alone",
        remedy=f"run it with --set {by}=V1,V2, and every other parameter that follows from it "
        "at one value",
    )
