"""Cases of a Run compared with published figures, and their gains with published gains."""

import math
from collections.abc import Iterable, Iterator, Sequence

from loadstone.analysis.pairing import Match
from loadstone.analysis.stats import Interval, ratio_interval
from loadstone.analysis.summary import CaseSummary, counted_trials, summarise
from loadstone.analysis.time_base import clock_of
from loadstone.model import Case, Metric, Noun, Run
from loadstone.published.changes import LIKE_SIZE, improvement, in_unit, log_size_ratio, metric_of
from loadstone.published.posting import (
    Change,
    Figure,
    ParameterValues,
    Posting,
    Quantity,
    matches_case,
)
from loadstone.units import convert
from loadstone.workloads import parameters_of

# A GB is a GiB to many: sizes within a tenth are taken for the same.
_SAME_SIZE = math.log(1.1)


class Gain(Noun, frozen=True, kw_only=True):
    """How many times as good a Case is as its posting's baseline, here and as published."""

    over: str
    trials: int
    measured: Interval
    published: float


class VsPublished(Noun, frozen=True, kw_only=True):
    """A measured Case and a published figure of it; at least one of the last three is there.

    ``measured`` is in the published unit, and ``share`` is that over the published figure: None
    where seconds are not a real machine's, or the file is of another size. ``gain`` is None
    where the Run did not measure the baseline, too.
    """

    posting: Posting
    figure: Figure
    label: str
    trials: int
    measured: Interval | None
    share: Interval | None
    gain: Gain | None


def vs_published(run: Run, postings: Iterable[Posting]) -> tuple[VsPublished, ...]:
    """What can be compared with published figures, posting by posting.

    Raises:
        UsageError: a posting gives a figure in a unit that its metric can't have.
    """
    about = [posting for posting in postings if posting.workload == run.manifest.plan.workload]
    if not about:
        return ()
    summaries = [summary for summary in summarise(run) if summary.metrics]
    return tuple(
        found
        for posting in about
        for summary in summaries
        for found in _of_case(run, posting, summary, summaries)
    )


def _of_case(
    run: Run, posting: Posting, summary: CaseSummary, summaries: Sequence[CaseSummary]
) -> Iterator[VsPublished]:
    figures = (*posting.figures, *(side for change in posting.changes for side in _sides(change)))
    for figure in _nearest([one for one in figures if _is_figure_of(one, summary)], run):
        metric = metric_of(run, figure.metric)
        assert metric is not None
        measured, share = _absolute(run, figure, metric, summary)
        gain = _gain(run, posting, figure, metric, summary, summaries)
        if measured is not None or gain is not None:
            yield VsPublished(
                posting=posting,
                figure=figure,
                label=summary.case.label,
                trials=summary.trials,
                measured=measured,
                share=share,
                gain=gain,
            )


def _sides(change: Change) -> Iterator[Figure]:
    """Both sides of a change as figures of their own."""
    for quantity, side in ((change.base, change.base_is), (change.new, change.new_is)):
        if quantity is not None:
            yield _side(change, quantity, side)


def _side(change: Change, quantity: Quantity, side: str) -> Figure:
    return Figure(
        place=change.place,
        what=f"{change.what}, {side}",
        metric=change.metric,
        value=quantity,
        case=change.case,
        size_bytes=change.size_bytes,
        note=change.note,
    )


def _is_figure_of(figure: Figure, summary: CaseSummary) -> bool:
    parameters = parameters_of(summary.case)
    return figure.metric in summary.metrics and matches_case(figure.case, parameters)


def _nearest(figures: Sequence[Figure], run: Run) -> list[Figure]:
    """Those that moved as much as the Run, or most nearly so; none from too far off."""
    distances = [log_size_ratio(figure, run) for figure in figures]
    limit = min([LIKE_SIZE, *distances])
    return [
        figure for figure, distance in zip(figures, distances, strict=True) if distance <= limit
    ]


def _absolute(
    run: Run, figure: Figure, metric: Metric, summary: CaseSummary
) -> tuple[Interval | None, Interval | None]:
    """The Case's figure in the published unit, and over the published one."""
    published = in_unit(figure, figure.value, metric.unit)
    is_real = clock_of(run.manifest.environment) is None
    if not is_real or log_size_ratio(figure, run) > _SAME_SIZE:
        return None, None
    interval = summary.metrics[figure.metric]
    shown = convert(1.0, metric.unit, figure.value.unit)
    return _times(interval, shown), _times(interval, 1 / published)


def _times(interval: Interval, factor: float) -> Interval:
    return Interval(interval.median * factor, interval.low * factor, interval.high * factor)


def _gain(
    run: Run,
    posting: Posting,
    figure: Figure,
    metric: Metric,
    summary: CaseSummary,
    summaries: Sequence[CaseSummary],
) -> Gain | None:
    baseline = next((one for one in posting.figures if _is_baseline(one, figure)), None)
    if baseline is None or figure.is_baseline:
        return None
    other = _most_alike(baseline.case, summary.case, summaries)
    if other is None:
        return None
    base, new = _pair(run, other.case, summary.case, metric)
    if not base or min(*base, *new) <= 0:
        return None
    measured = ratio_interval(base, new, paired=True)
    before, after = (in_unit(one, one.value, metric.unit) for one in (baseline, figure))
    return Gain(
        over=baseline.what,
        trials=len(new),
        measured=_improvement(measured, metric),
        published=improvement(after / before, metric),
    )


def _improvement(ratio: Interval, metric: Metric) -> Interval:
    low, high = sorted(improvement(bound, metric) for bound in (ratio.low, ratio.high))
    return Interval(improvement(ratio.median, metric), low, high)


def _is_baseline(one: Figure, figure: Figure) -> bool:
    is_like = (one.metric, one.size_bytes) == (figure.metric, figure.size_bytes)
    return one.is_baseline and is_like


def _most_alike(
    case: ParameterValues | None, to: Case, summaries: Sequence[CaseSummary]
) -> CaseSummary | None:
    """Of the Cases that are the baseline, the one that shares most parameters, if it is one."""
    known = [summary for summary in summaries if matches_case(case, parameters_of(summary.case))]
    shared = [_shared_parameters(summary.case, to) for summary in known]
    is_one = shared.count(max(shared, default=0)) == 1
    return known[shared.index(max(shared))] if is_one else None


def _shared_parameters(one: Case, other: Case) -> int:
    return len(one.parameters.items() & other.parameters.items())


def _pair(run: Run, base: Case, new: Case, metric: Metric) -> tuple[list[float], list[float]]:
    """The figures of two Cases in the rounds, or boots, in which both are good."""
    trials = counted_trials(run)
    rounds = [
        {trial.round: trial for trial in trials[case.id] if metric.name in trial.metrics}
        for case in (base, new)
    ]
    both = sorted(rounds[0].keys() & rounds[1].keys())
    sides = [tuple(side[number] for number in both) for side in rounds]
    return Match(label=new.label, base=sides[0], new=sides[1], is_paired=True).values(metric)
