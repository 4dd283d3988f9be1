"""What looking after each round does to intervals and verdicts: the table of docs/statistics.md.

``PYTHONPATH=tests python tests/analysis/simulate_stopping.py`` prints it. All that decides
is the package's own code; only resamples of ratios are fewer, as each look takes them anew.
"""

import sys
from collections.abc import Callable, Iterator
from statistics import mean, median

import msgspec
import numpy as np

from loadstone.analysis import stats, stopping
from loadstone.analysis.compare import compare
from loadstone.analysis.comparison import Comparison, Verdict
from loadstone.analysis.stats import Interval, median_interval, ratio_interval
from loadstone.analysis.stopping import case_precision, pair_precision
from loadstone.analysis.within_run import compare_within
from loadstone.model import Case, Run, StopRule
from sample_runs import SPEED, measured_run

CASES = tuple(Case.of("w", f"depth {depth}", {"depth": depth}) for depth in (1, 2))
WITHIN = 0.02
MOST = 200
UNCORRECTED, CORRECTED = 0.95, stopping.CONFIDENCE
_ANY = 1e-9

Figures = list[float]
Noise = Callable[[np.random.Generator, int, float], np.ndarray]


def _two_peaks(random: np.random.Generator, rounds: int, noise: float) -> np.ndarray:
    return 1 + noise * (random.standard_normal(rounds) / 2 + 2 * (random.random(rounds) < 0.3))


def _with_outliers(random: np.random.Generator, rounds: int, noise: float) -> np.ndarray:
    figures = 1 + noise * random.standard_normal(rounds)
    return figures * np.where(random.random(rounds) < 0.05, 1 + 10 * noise, 1)


def _steady(random: np.random.Generator, rounds: int, noise: float) -> np.ndarray:
    del random, noise
    return np.ones(rounds)


def _drifting(random: np.random.Generator, rounds: int, noise: float) -> np.ndarray:
    del random
    return 1 + noise * np.arange(rounds) / 100


def _walking(random: np.random.Generator, rounds: int, noise: float) -> np.ndarray:
    return np.exp(noise * np.cumsum(random.standard_normal(rounds)) / 5)


INDEPENDENT: dict[str, Noise] = {
    "normal": lambda random, rounds, noise: 1 + noise * random.standard_normal(rounds),
    "lognormal": lambda random, rounds, noise: np.exp(noise * random.standard_normal(rounds)),
    "two peaks": _two_peaks,
    "5 % outliers": _with_outliers,
}
LEVELS: dict[str, Noise] = {
    "linear drift, σ in 100 rounds": _drifting,
    "random walk, steps of σ/5": _walking,
}
"""What the machine does to all Cases of a Run alike, as factors of their figures."""


def true_median(noise: Noise, size: float) -> float:
    """That of very many figures."""
    return float(np.median(noise(np.random.default_rng(7), 1_000_000, size)))


def rounds_until(*cases: Figures) -> int:
    """After how many rounds a Run of such Cases ends."""
    most = len(cases[0])
    return next(
        (
            rounds
            for rounds in range(stopping.FEWEST, most)
            if all(case_precision("", case[:rounds]).is_within(WITHIN) for case in cases)
        ),
        most,
    )


def pair_rounds_until(base: Figures, new: Figures) -> int:
    """After how many rounds a Run of one pair ends: an order goes with its opposite."""
    return next(
        (
            rounds
            for rounds in range(stopping.FEWEST, len(base), 2)
            if pair_precision("", base[:rounds], new[:rounds]).is_within(WITHIN)
        ),
        len(base),
    )


def draws(
    noise: Noise, size: float, count: int, most: int = MOST, seed: int = 1
) -> Iterator[Figures]:
    """So many Runs of one Case, each of the most rounds that there may be."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield noise(random, most, size).tolist()


def coverage(noise: Noise, size: float, count: int, confidence: float) -> tuple[float, float]:
    """How often the interval by which a Run ended has the true median, and its rounds."""
    middle, covered, rounds = true_median(noise, size), 0, []
    usual, stopping.CONFIDENCE = stopping.CONFIDENCE, confidence
    try:
        for figures in draws(noise, size, count):
            rounds.append(rounds_until(figures))
            covered += _holds(median_interval(figures[: rounds[-1]], confidence), middle)
    finally:
        stopping.CONFIDENCE = usual
    return covered / count, mean(rounds)


def is_called(base: Figures, new: Figures, has_rule: bool = True) -> bool:
    """Whether one Run against one is called different, however little."""
    before, after = (_run(case, hour, has_rule) for hour, case in enumerate((base, new)))
    return _is_called(compare(before, after, threshold=_ANY))


def is_called_within(base: Figures, new: Figures) -> bool:
    """Whether two Cases of one Run are called different, however little."""
    run = measured_run(((CASES[0], base), (CASES[1], new)), SPEED)
    return _is_called(compare_within(_ruled(run), "depth", threshold=_ANY))


def _is_called(comparison: Comparison) -> bool:
    (effect,) = comparison.effects
    return effect.verdict in (Verdict.FASTER, Verdict.SLOWER)


def _run(figures: Figures, hour: int, has_rule: bool) -> Run:
    run = measured_run(((CASES[0], figures),), SPEED, id_=f"r{hour}", hour=10 * hour)
    return _ruled(run) if has_rule else run


def _ruled(run: Run) -> Run:
    rule = StopRule(within=WITHIN, most_rounds=MOST)
    plan = msgspec.structs.replace(run.manifest.plan, until=rule)
    return msgspec.structs.replace(run, manifest=msgspec.structs.replace(run.manifest, plan=plan))


def false_alarms(noise: Noise, size: float, count: int, level: Noise = _steady) -> float:
    """How often one Run against one is called, each ended by the rule."""
    called = 0
    for base, new in _two(noise, size, count, level, is_one_run=False):
        ends = rounds_until(base), rounds_until(new)
        called += is_called(base[: ends[0]], new[: ends[1]])
    return called / count


def false_alarms_fixed(noise: Noise, size: float, count: int, level: Noise = _steady) -> float:
    """The same of as many rounds as such Runs have in the median, without a rule."""
    ends = [rounds_until(base) for base, _ in _two(noise, size, count, level, is_one_run=False)]
    usual = round(median(ends))
    called = [
        is_called(base[:usual], new[:usual], has_rule=False)
        for base, new in _two(noise, size, count, level, is_one_run=False)
    ]
    return mean(called)


def _two(
    noise: Noise, size: float, count: int, level: Noise, is_one_run: bool
) -> Iterator[tuple[Figures, Figures]]:
    """Two Runs of one Case, each on a level of its own, or one Run of two Cases that share it."""
    bases, news = (draws(noise, size, count, seed=seed) for seed in (2, 3))
    random = np.random.default_rng(4)
    for base, new in zip(bases, news, strict=True):
        of_base = level(random, MOST, size)
        of_new = of_base if is_one_run else level(random, MOST, size)
        yield (of_base * base).tolist(), (of_new * new).tolist()


def false_alarms_within(noise: Noise, size: float, count: int, level: Noise = _steady) -> float:
    """How often two Cases of one Run are called, which ends when both intervals are narrow."""
    called = 0
    for base, new in _two(noise, size, count, level, is_one_run=True):
        end = rounds_until(base, new)
        called += is_called_within(base[:end], new[:end])
    return called / count


def pairs(
    noise: Noise, size: float, count: int, level: Noise = _steady
) -> tuple[float, float, float]:
    """Of `ab`: how often the ratio's interval holds 1, how often it is called, and the rounds."""
    covered, called, rounds = 0, 0, []
    for base, new in _two(noise, size, count, level, is_one_run=True):
        end = pair_rounds_until(base, new)
        rounds.append(end)
        covered += _holds(ratio_interval(base[:end], new[:end], True, CORRECTED), 1.0)
        called += is_called_within(base[:end], new[:end])
    return covered / count, called / count, mean(rounds)


def _holds(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


def _write_row(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def _write_intervals(count: int) -> None:
    headings = ("noise", "σ ÷ width", "95 %, uncorrected", "rounds", "as shown", "rounds")
    _write_row(*headings)
    _write_row(*("---" for _ in headings))
    for name, noise in INDEPENDENT.items():
        for times in (1.0, 2.0, 3.0):
            size = times * WITHIN
            looked = [coverage(noise, size, count, one) for one in (UNCORRECTED, CORRECTED)]
            cells = (f"{share:.1%} | {rounds:.0f}" for share, rounds in looked)
            _write_row(name, f"{times:g}", *cells)


def _write_alarms(count: int) -> None:
    headings = (
        *("noise", "σ ÷ width", "rounds fixed", "one Run against one", "within a Run"),
        *("`ab`", "coverage of its ratio", "its rounds"),
    )
    _write_row(*headings)
    _write_row(*("---" for _ in headings))
    rows: list[tuple[str, Noise, Noise]] = [
        (name, noise, _steady) for name, noise in INDEPENDENT.items()
    ]
    rows += [(name, INDEPENDENT["normal"], level) for name, level in LEVELS.items()]
    for name, noise, level in rows:
        for times in (1.0, 2.0):
            size = times * WITHIN
            fixed = false_alarms_fixed(noise, size, count, level)
            ruled = false_alarms(noise, size, count, level)
            within = false_alarms_within(noise, size, count, level)
            covered, called, rounds = pairs(noise, size, count // 2, level)
            shares = (f"{share:.1%}" for share in (fixed, ruled, within, called, covered))
            _write_row(name, f"{times:g}", *shares, f"{rounds:.0f}")


if __name__ == "__main__":
    stats._RESAMPLES = 799
    _write_intervals(2000)
    _write_alarms(1000)
