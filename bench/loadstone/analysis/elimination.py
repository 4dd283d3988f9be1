"""The statistics of a race: what Trials come to, and whether one Case is shown slower than another.

Figures are logarithms, compared in the rounds that both have. A look is taken only after certain
numbers of such rounds, and each at so small a part of ``ERROR`` that all looks of all Cases
together drop the best with no more than that chance: Bonferroni over looks and opponents, of whom
each might lead. ``docs/statistics.md`` has the simulation, ``tests/analysis/simulate_race.py``
makes it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from statistics import NormalDist, fmean, stdev

from loadstone.analysis.scipy_memory import require_memory
from loadstone.model import Better, Metric, Plan, Status, Trial
from loadstone.result_names import TARGET_LOST

ERROR = 0.05
"""The chance that the best Case is dropped, at most."""

LOOKS = (4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 64, 80, 100)
"""After how many rounds in common two Cases are held against each other."""

_TRIMMED = 0.2
"""The share of figures at either end that a trimmed mean leaves out."""
_MOST_INVALID = 3
"""Trials without a good one after which a Case is no longer tried."""


class Way(StrEnum):
    """How a Case left the race."""

    SLOWER = "slower"
    FAILED = "failed"
    INVALID = "invalid"
    SKIPPED = "skipped"


Figures = Mapping[int, float]
"""By round the logarithm of a figure, of which more is better."""


class Ledger:
    """What the Trials of a race come to, Case by Case, in the order of their rounds."""

    def __init__(self, plan: Plan, metric: Metric, trials: Iterable[Trial]) -> None:
        self._sign = 1.0 if metric.better is Better.HIGHER else -1.0
        self._metric = metric
        self._trials: dict[int, dict[str, Trial]] = {}
        for trial in trials:
            if not trial.warmup:
                self._trials.setdefault(trial.round, {})[trial.case] = trial
        self.figures: dict[str, dict[int, float]] = {case.id: {} for case in plan.cases}
        self._bad: dict[str, list[Way]] = {}

    def has(self, case: str, number: int) -> bool:
        """Whether a Case has a Trial of that round."""
        return case in self._trials.get(number, {})

    def add(self, number: int) -> None:
        """Take in the Trials of that round."""
        for case, trial in self._trials.get(number, {}).items():
            value = trial.metrics.get(self._metric.name, 0.0)
            if trial.status is Status.OK and value > 0:
                self.figures[case][number] = self._sign * math.log(value)
            elif trial.status is not Status.OK and TARGET_LOST not in trial.evidence:
                self._bad.setdefault(case, []).append(Way(trial.status.value))

    def trouble(self, case: str) -> Way | None:
        """What puts a Case out of the race, whatever its figures."""
        ways = self._bad.get(case, ())
        if worst := next((way for way in (Way.FAILED, Way.SKIPPED) if way in ways), None):
            return worst
        is_hopeless = len(ways) >= _MOST_INVALID and not self.figures[case]
        return Way.INVALID if is_hopeless else None


def differences(one: Figures, other: Figures) -> list[float]:
    """Of the rounds that both have, in their order."""
    return [value - other[at] for at, value in one.items() if at in other]


def is_slower(one: Figures, leader: Figures, opponents: int, error: float = ERROR) -> bool:
    """Whether a look shows a Case slower than the leader; never where none is taken.

    Args:
        opponents: how many Cases there are that might lead.
    """
    found = differences(one, leader)
    if len(found) not in LOOKS:
        return False
    # Half for each of two ways to look: few rounds tell more by the mean, and rounds in which
    # something else was at work less.
    level = error / len(LOOKS) / max(opponents, 1) / 2
    return fmean(found) + reach(found, level) < 0 or _trimmed_upper(found, level) < 0


def reach(found: Sequence[float], level: float) -> float:
    """How far the upper end of a mean's one-sided interval is from it; infinite where unknown."""
    spread = stdev(found) if len(found) > 1 else 0.0
    # Figures that agree to the last bit are no evidence of how far they would lie apart.
    if not spread:
        return math.inf
    return _quantile(len(found) - 1, level) * spread / math.sqrt(len(found))


def _trimmed_upper(found: Sequence[float], level: float) -> float:
    """The upper end of the one-sided interval of the mean without a fifth at each end.

    Source: Yuen, "The two-sample trimmed t for unequal population variances", Biometrika 61 (1974),
    for one sample; Wilcox, "Introduction to Robust Estimation and Hypothesis Testing", 4.3.
    """
    cut, ordered = int(_TRIMMED * len(found)), sorted(found)
    kept = ordered[cut : len(found) - cut]
    winsorised = [*[kept[0]] * cut, *kept, *[kept[-1]] * cut]
    spread = stdev(winsorised)
    if not cut or not spread:
        return math.inf
    degrees = len(kept) - 1
    error = spread * math.sqrt((len(found) - 1) / (len(kept) * degrees))
    return fmean(kept) + _quantile(degrees, level) * error


@cache
def _quantile(degrees: int, level: float) -> float:
    if degrees >= max(LOOKS):
        return -NormalDist().inv_cdf(level)
    require_memory()
    from scipy.stats import t

    return float(t.isf(level, degrees))
