"""Published changes of the Cases that were compared; what postings name is checked."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from loadstone.analysis.comparison import Comparison, Effect
from loadstone.errors import UsageError
from loadstone.model import Better, Case, Metric, Noun, Run
from loadstone.plan.parameters import as_text, named, parse_value
from loadstone.published.file import built_in_postings, read_references
from loadstone.published.posting import Change, Figure, Posting, Quantity, matches_case
from loadstone.units import convert
from loadstone.workloads import Workload, parameters_of, workloads

# Of another size only ratios are compared, and none from further off than this.
LIKE_SIZE = math.log(10)


class PublishedChange(Noun, frozen=True, kw_only=True):
    """A published change of an Effect; ``ratio`` is above 1 where it is better, and None where only
    a direction was published."""

    posting: Posting
    change: Change
    ratio: float | None


PublishedByLabel = Mapping[str, tuple[PublishedChange, ...]]
"""By the labels of a Comparison's Effects; every one has a key."""


def all_postings(own: Iterable[Path]) -> tuple[Posting, ...]:
    """Those that come with Loadstone, then those of the user's own files.

    Raises:
        UsageError: a file of the user's can't be read, or is not sound.
    """
    postings = read_references(own)
    check(postings)
    return (*built_in_postings(), *postings)


def published_changes(
    comparison: Comparison, base: Run, new: Run, postings: Iterable[Posting]
) -> PublishedByLabel:
    """The published changes of what was compared.

    Args:
        base, new: the Runs that were compared.

    Raises:
        UsageError: a posting gives a figure in a unit that its metric can't have.
    """
    candidates = [(posting, change) for posting in postings for change in posting.changes]
    return {
        effect.label: tuple(
            PublishedChange(posting=posting, change=change, ratio=_ratio(change, new))
            for posting, change in candidates
            if all(_is_of_effect(posting, change, effect, run) for run in (base, new))
        )
        for effect in comparison.effects
    }


def metric_of(run: Run, name: str) -> Metric | None:
    """A Run's metric of that name."""
    return next((metric for metric in run.manifest.metrics if metric.name == name), None)


def improvement(ratio: float, metric: Metric) -> float:
    """A ratio of a metric, new over base, as how many times as good new is."""
    return ratio if metric.better is Better.HIGHER else 1 / ratio


def in_unit(of: Figure | Change, quantity: Quantity, unit: str) -> float:
    """A published figure in another unit.

    Raises:
        UsageError: it is of another kind; names the place.
    """
    try:
        return convert(quantity.value, quantity.unit, unit)
    except UsageError as error:
        raise error.within(f"{of.place}: {quantity}") from None


def log_size_ratio(of: Figure | Change, run: Run) -> float:
    """How far the size that was published is from the Run's, as a logarithm; 0 where none was."""
    if of.size_bytes is None:
        return 0.0
    size_bytes = run.manifest.environment.facts.get("file.bytes")
    if not isinstance(size_bytes, int) or size_bytes < 1:
        return math.inf
    return abs(math.log(size_bytes / of.size_bytes))


def check(postings: Iterable[Posting]) -> None:
    """Check what postings name against the workloads that are known here.

    Raises:
        UsageError: a parameter, a value, a metric or a unit is not the workload's.
    """
    for posting in postings:
        workload = workloads().get(posting.workload)
        if workload is not None:
            _check(posting, workload)


def _check(posting: Posting, workload: Workload) -> None:
    ones: tuple[Figure | Change, ...] = (*posting.figures, *posting.changes)
    for one in ones:
        _check_metric(one, workload)
        _check_case(one, workload)


def _is_of_effect(posting: Posting, change: Change, effect: Effect, run: Run) -> bool:
    return (
        change.metric == effect.metric
        and any(_is_case(posting, change, effect, case) for case in run.manifest.plan.cases)
        and log_size_ratio(change, run) <= LIKE_SIZE
    )


def _is_case(posting: Posting, change: Change, effect: Effect, case: Case) -> bool:
    is_same = (case.workload, case.label) == (posting.workload, effect.label)
    return is_same and matches_case(change.case, parameters_of(case))


def _ratio(change: Change, run: Run) -> float | None:
    metric = metric_of(run, change.metric)
    assert metric is not None
    if change.base is not None and change.new is not None:
        base, new = (in_unit(change, side, metric.unit) for side in (change.base, change.new))
        return improvement(new / base, metric)
    return change.ratio and improvement(change.ratio, metric)


def _check_metric(one: Figure | Change, workload: Workload) -> None:
    metric = next((metric for metric in workload.metrics if metric.name == one.metric), None)
    if metric is None:
        known = ", ".join(metric.name for metric in workload.metrics)
        raise UsageError(
            f"{one.place}: metric: {one.metric!r} is not one of {workload.name}",
            remedy=f"there are {known}",
        )
    sides = (one.value,) if isinstance(one, Figure) else (one.base, one.new)
    for quantity in sides:
        if quantity is not None:
            in_unit(one, quantity, metric.unit)


def _check_case(one: Figure | Change, workload: Workload) -> None:
    for name, values in (one.case or {}).items():
        for value in values:
            try:
                parse_value(named(workload.parameters, name), as_text(value))
            except UsageError as error:
                raise error.within(f"{one.place}: case") from None
