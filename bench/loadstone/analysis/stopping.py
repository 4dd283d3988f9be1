"""When enough rounds were made: how narrow the intervals of a Plan are by the Trials so far.

Whoever looks after each round and stops as soon as an interval is narrow finds it narrow by
chance too, so that a 95 % interval then covers less. What is looked at, and shown afterwards, is
therefore ``CONFIDENCE``, by which 95 % intervals of such Runs keep what they promise:
``docs/statistics.md`` has the simulation, ``tests/analysis/simulate_stopping.py`` makes it.
"""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum

from loadstone.analysis.pairing import change_label
from loadstone.analysis.stats import Interval, median_interval, ratio_interval
from loadstone.model import Metric, Noun, Plan, Run, Status, StopRule, Trial

CONFIDENCE = 0.97
"""Of the intervals of a Run whose rounds were added until they were narrow."""

FEWEST = 10
"""Figures below which no interval is narrow: how far few of them lie apart says little."""


_FIXED = 0.95
"""Of the intervals of all other Runs."""


class Precision(Noun, frozen=True, kw_only=True):
    """How narrow the interval of a Case's median is, or that of a pair's ratio.

    ``width`` is how far its farther end is from the median or ratio, as a share of that; infinite
    where nothing is known of it. ``figures`` is of how many figures it is.
    """

    label: str
    figures: int
    width: float

    def is_within(self, width: float) -> bool:
        """Whether it is at most that wide, and of enough figures to be believed."""
        return self.figures >= FEWEST and self.width <= width


class Ending(StrEnum):
    """Why no more rounds were added.

    ``narrow``: every interval is. ``rounds``: there are as many as there may be. ``early``: the
    limit of time was reached, or the Run was cut off; it can be resumed.
    """

    NARROW = "narrow"
    ROUNDS = "rounds"
    EARLY = "early"


class Stop(Noun, frozen=True, kw_only=True):
    """How a Run whose Plan has a rule ended: after how many rounds, why, and how narrow it is."""

    rule: StopRule
    rounds: int
    ending: Ending
    found: tuple[Precision, ...]

    @property
    def wide(self) -> tuple[Precision, ...]:
        """Those that are not narrow, the widest first."""
        wide = (one for one in self.found if not one.is_within(self.rule.within))
        return tuple(sorted(wide, key=lambda one: -one.width))


def confidence_of(plan: Plan) -> float:
    """The nominal confidence of what is shown as a 95 % interval of a Plan's Run."""
    return _FIXED if plan.until is None and plan.race is None else CONFIDENCE


def rounds_made(trials: Iterable[Trial]) -> int:
    """How many rounds have begun."""
    return max((trial.round + 1 for trial in trials if not trial.warmup), default=0)


def precisions(plan: Plan, metric: Metric | None, trials: Iterable[Trial]) -> tuple[Precision, ...]:
    """Of each Case that has figures of the metric; of each pair, where the Plan has pairs.

    A Case that was skipped, or of which no Trial counts, has none: no round would make it narrow.
    """
    if metric is None:
        return ()
    figures: dict[str, dict[int, float]] = {case.id: {} for case in plan.cases}
    skipped = set()
    for trial in trials:
        if trial.status is Status.SKIPPED:
            skipped.add(trial.case)
        elif trial.status is Status.OK and not trial.warmup and metric.name in trial.metrics:
            figures[trial.case][trial.round] = trial.metrics[metric.name]
    cases = {case.id: case for case in plan.cases}
    known = {id_: own for id_, own in figures.items() if own and id_ not in skipped}
    if not plan.pairs:
        return tuple(
            case_precision(cases[id_].label, list(own.values())) for id_, own in known.items()
        )
    return tuple(
        pair_precision(change_label(cases[base], cases[new]), *_common(known[base], known[new]))
        for base, new in plan.pairs
        if base in known and new in known
    )


def rounds_expected(found: Sequence[Precision], rounds: int, within: float) -> int | None:
    """How many rounds in all are likely to do; None where nothing is known of a width yet.

    A width is taken to shrink as one over the root of the rounds.
    """
    wide = [one for one in found if not one.is_within(within)]
    widest = max((one.width for one in wide), default=0.0)
    if not math.isfinite(widest):
        return None
    fewest = rounds + 1 if wide else rounds
    return max(fewest, math.ceil(rounds * (widest / within) ** 2))


def stop_of(run: Run) -> Stop | None:
    """How a Run ended by the rule of its Plan; None where that has none."""
    plan = run.manifest.plan
    if plan.until is None:
        return None
    metric = next(iter(run.manifest.metrics), None)
    found = precisions(plan, metric, run.trials)
    rounds = rounds_made(run.trials)
    ending = Ending.EARLY
    if found and rounds >= plan.rounds and all(one.is_within(plan.until.within) for one in found):
        ending = Ending.NARROW
    elif rounds >= plan.until.most_rounds:
        ending = Ending.ROUNDS
    return Stop(rule=plan.until, rounds=rounds, ending=ending, found=found)


def case_precision(label: str, figures: Sequence[float]) -> Precision:
    """That of the median of figures of one Case."""
    width = _width(median_interval(figures, CONFIDENCE)) if len(figures) > 1 else math.inf
    return Precision(label=label, figures=len(figures), width=width)


def pair_precision(label: str, base: Sequence[float], new: Sequence[float]) -> Precision:
    """That of the median of the ratios of figures of the same rounds."""
    # Resampling takes its time, and says nothing before there are enough.
    if len(base) < FEWEST or min(*base, *new) <= 0:
        return Precision(label=label, figures=len(base), width=math.inf)
    width = _width(ratio_interval(base, new, paired=True, confidence=CONFIDENCE))
    return Precision(label=label, figures=len(base), width=width)


def _common(base: dict[int, float], new: dict[int, float]) -> tuple[list[float], list[float]]:
    """The figures of the rounds that both have."""
    both = sorted(base.keys() & new.keys())
    return [base[number] for number in both], [new[number] for number in both]


def _width(interval: Interval) -> float:
    far = max(interval.high - interval.median, interval.median - interval.low)
    if not far:
        return 0.0
    return far / abs(interval.median) if interval.median else math.inf
