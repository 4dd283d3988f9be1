"""Statistics of several Runs against several: a Run is one draw, whatever its rounds.

Pure numerics: a figure a Run in, floats out. What differs between Runs (a boot, a step of the
machine, the time of day) is then part of the noise, which the rounds of one Run do not show.
"""

import math
from collections.abc import Sequence
from statistics import mean, median, variance
from typing import Any

from loadstone.analysis.scipy_memory import require_memory
from loadstone.analysis.stats import Interval

_RESAMPLES = 9999
_MOST_RUNS = 100


def runs_ratio_interval(
    base: Sequence[float], new: Sequence[float], confidence: float = 0.95
) -> Interval:
    """The ratio of the Runs' medians, new over base, and its interval; two Runs each at least.

    Welch's interval for the difference of mean logarithms, moved to the ratio of medians: a
    bootstrap over so few Runs is too narrow.

    Raises:
        ValueError: there are fewer than two Runs on a side, or a figure is not positive.

    Source: Welch, Biometrika 34 (1947). Coverage is simulated in ``tests/analysis``.
    """
    if min(len(base), len(new)) < 2 or min(*base, *new) <= 0:
        raise ValueError("an interval of Runs needs two on each side, with positive figures")
    require_memory()
    from scipy.stats import t

    ratio = median(new) / median(base)
    sides = [[math.log(figure) for figure in side] for side in (base, new)]
    parts = [variance(side) / len(side) for side in sides]
    spread = sum(parts)
    if spread == 0:
        return Interval(ratio, ratio, ratio)
    degrees = spread**2 / sum(
        part**2 / (len(side) - 1) for part, side in zip(parts, sides, strict=True)
    )
    reach = float(t.ppf((1 + confidence) / 2, degrees)) * math.sqrt(spread)
    middle = mean(sides[1]) - mean(sides[0])
    low, high = math.exp(middle - reach), math.exp(middle + reach)
    return Interval(ratio, min(low, ratio), max(high, ratio))


def permutation_p(bases: Sequence[Sequence[float]], news: Sequence[Sequence[float]]) -> list[float]:
    """The two-sided p of no difference, by which Runs are on which side; exact for few Runs.

    Args:
        bases, news: for each Case a figure of each Run; of all Cases as many on a side.

    Raises:
        ValueError: a side is empty, or a figure is not positive.

    Source: Good, "Permutation, Parametric, and Bootstrap Tests of Hypotheses", 3.2.
    """
    if any(not side or min(side) <= 0 for side in (*bases, *news)):
        raise ValueError("a permutation test needs positive figures on both sides")
    require_memory()
    import numpy as np
    from scipy.stats import permutation_test

    def difference(one: Any, other: Any, axis: int) -> Any:
        return np.mean(one, axis=axis) - np.mean(other, axis=axis)

    found = permutation_test(
        [np.log(np.asarray(side, dtype=float)) for side in (news, bases)],
        difference,
        vectorized=True,
        n_resamples=_RESAMPLES,
        axis=1,
        rng=np.random.default_rng(1),
    )
    return [float(p) for p in found.pvalue]


def fewest_runs(alpha: float, comparisons: int) -> int:
    """How many Runs on each side are the fewest with which any difference can be called.

    Args:
        comparisons: how many Cases are corrected for at once.
    """
    wanted = alpha / max(comparisons, 1)
    return next(runs for runs in range(2, _MOST_RUNS) if 2 / math.comb(2 * runs, runs) < wanted)
