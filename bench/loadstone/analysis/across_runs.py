"""Compares several Runs with several: for what a reboot, or another day, lies between."""

from collections.abc import Sequence
from statistics import median

from loadstone.analysis.comparability import common_clock, fact_warnings, kernel_of
from loadstone.analysis.comparison import Comparison, Design, Effect, IncompleteCase
from loadstone.analysis.coverage import Coverage, coverage, in_words, incomplete, missing_from_plan
from loadstone.analysis.effects import (
    ALPHA,
    Estimate,
    common_metric,
    effect_of,
)
from loadstone.analysis.run_stats import fewest_runs, permutation_p, runs_ratio_interval
from loadstone.analysis.stats import holm
from loadstone.analysis.thresholds import DEFAULT, Thresholds, thresholds_of
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Metric, Noun, Run, Trial

_FEWEST = 2


class _Group(Noun, frozen=True, kw_only=True):
    """One Case on both sides: what came of it in each Run."""

    base: tuple[Coverage, ...]
    new: tuple[Coverage, ...]

    @property
    def is_measured(self) -> bool:
        """Whether every Run has figures of it."""
        return all(one.is_measured for one in (*self.base, *self.new))


def compare_across(
    bases: Sequence[Run],
    news: Sequence[Run],
    threshold: float | Thresholds = DEFAULT,
    metric_name: str | None = None,
) -> Comparison:
    """Compare several Runs with several, Case by Case; a Run's median is one figure.

    So whatever differs from Run to Run counts as noise, a boot's memory layout as well as a step
    of the machine that outlasts a Run. A difference is called where an exact permutation test of
    the Runs, corrected for the number of Cases, and the interval of the ratio both see one.

    Args:
        bases, news: Runs of the same workload, at least two on each side.
        threshold: as for ``loadstone.analysis.compare.compare``.
        metric_name: None for the workload's primary metric.

    Raises:
        CannotMeasureError: no Case was measured in all Runs, or they have no clock or metric in
            common.
        UsageError: there are too few Runs, or one is on both sides; or as for ``compare``.
    """
    thresholds = thresholds_of(threshold)
    _require_runs(bases, news)
    clock = common_clock(bases[0], news[0])
    for run in (*bases[1:], *news[1:]):
        common_clock(bases[0], run)
    metric = common_metric((*bases, *news), metric_name)
    groups = _groups(bases, news, metric)
    measured = [group for group in groups if group.is_measured]
    troubled = [trouble for group in groups if (trouble := _trouble(group))]
    if not measured:
        what = in_words(troubled[0]) if troubled else "they have no Case in common"
        raise CannotMeasureError(
            f"no Case was measured in all {len(bases) + len(news)} Runs: {what}",
            remedy="run the same plan for all",
        )
    return Comparison(
        base=" ".join(run.id for run in bases),
        new=" ".join(run.id for run in news),
        design=Design.SEVERAL_RUNS,
        effects=_effects(measured, metric, thresholds),
        unmatched=tuple(map(in_words, troubled)),
        warnings=(*fact_warnings(bases[0], news[0]), *_few(bases, news, len(measured))),
        clock=clock,
        base_kernel=kernel_of(bases[0]),
        new_kernel=kernel_of(news[0]),
        incomplete=tuple(troubled),
    )


def _require_runs(bases: Sequence[Run], news: Sequence[Run]) -> None:
    for name, runs in (("BASE", bases), ("NEW", news)):
        if len(runs) < _FEWEST:
            raise UsageError(
                f"{name} is a single Run, and nothing is known of how Runs differ",
                remedy="name two Runs or more on each side: BASE… -- NEW…; four can call a "
                "difference",
            )
    ids = [run.id for run in (*bases, *news)]
    for id_ in ids:
        if ids.count(id_) > 1:
            raise UsageError(f"{id_} is named twice", remedy="name each Run once")


def _groups(bases: Sequence[Run], news: Sequence[Run], metric: Metric) -> list[_Group]:
    covered = [coverage(run, metric) for run in (*bases, *news)]
    known = {id_: one for by_id in covered for id_, one in by_id.items()}
    groups = []
    for id_, any_one in known.items():
        sides = [by_id.get(id_) or missing_from_plan(any_one) for by_id in covered]
        groups.append(_Group(base=tuple(sides[: len(bases)]), new=tuple(sides[len(bases) :])))
    return groups


def _trouble(group: _Group) -> IncompleteCase | None:
    """The Case with the worst of each side, where not all Runs measured it well."""
    base, new = (_worst(side) for side in (group.base, group.new))
    return incomplete(base, new)


def _worst(side: Sequence[Coverage]) -> Coverage:
    return max(side, key=lambda one: (not one.is_measured, one.state.failed))


def _effects(
    groups: Sequence[_Group], metric: Metric, thresholds: Thresholds
) -> tuple[Effect, ...]:
    figures = [[_figures(side, metric) for side in (one.base, one.new)] for one in groups]
    bases, news = zip(*figures, strict=True)
    p_values = holm(permutation_p(bases, news))
    return tuple(
        effect_of(
            group.base[0].label,
            metric,
            thresholds.of(group.base[0].label),
            Estimate(ratio=runs_ratio_interval(base, new), p=p, rounds=_FEWEST),
            (_trials(group.base), _trials(group.new)),
        )
        for group, (base, new), p in zip(groups, figures, p_values, strict=True)
    )


def _figures(side: Sequence[Coverage], metric: Metric) -> list[float]:
    return [median(trial.metrics[metric.name] for trial in one.trials) for one in side]


def _trials(side: Sequence[Coverage]) -> tuple[Trial, ...]:
    return tuple(trial for one in side for trial in one.trials)


def _few(bases: Sequence[Run], news: Sequence[Run], cases: int) -> list[str]:
    fewest = fewest_runs(ALPHA, cases)
    if min(len(bases), len(news)) >= fewest:
        return []
    of = f" of {cases} Cases at once" if cases > 1 else ""
    return [
        f"{len(bases)} Runs against {len(news)} can hardly call a difference{of}: {fewest} against "
        f"{fewest} can"
    ]
