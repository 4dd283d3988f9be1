"""The bounds of docs/statistics.md, on few tries: false alarms, coverage, power.

The tries of a cell are always the same. Limits leave room for chance as if they were not: what a
method that keeps its bound exceeds once in a thousand, or once in a hundred where one bound is
asked of one cell.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain

import pytest
from scipy.stats import binom

from analysis import error_rates
from analysis.error_rates import (
    DESIGNS,
    NO_CHANGE,
    SOME_CHANGE,
    Calls,
    Cell,
    Share,
    comparisons_with_alarm,
    coverage,
    false_alarms,
    power,
    simulated_calls,
)
from analysis.simulation import NOISES
from loadstone.analysis.comparison import Verdict

TRIES = 100
MOST_FALSE_ALARMS, LEAST_COVERAGE, LEAST_POWER = 0.05, 0.93, 0.95
RARELY, HARDLY_EVER = 0.01, 0.001
SIZES = {"1": 10, "2": 6, "3": 10, "3-older": 10}
WALK = "a random walk"
# Without controls one Run against one guards against no change of the machine between them.
STEADY = ("independent", "5 % outliers")
COVERED = [
    *((design, noise) for design in ("1", "2") for noise in NOISES),
    *((design, noise) for design in ("3", "3-older") for noise in STEADY),
]
# What is seen by controls, or as a drift within: the interval misses the true ratio, but nothing
# is called. A level that each Case has in each Run no control can see.
HELD = [
    *COVERED,
    *(
        ("3", noise)
        for noise in NOISES
        if noise not in {"each Run its own level", WALK} and ("3", noise) not in COVERED
    ),
    ("3-older", "each Run drifts by itself"),
]

each_design = pytest.mark.parametrize("design", DESIGNS)


@cache
def unchanged(design: str, noise: str) -> Sequence[Calls]:
    return simulated_calls(Cell(design, noise, SIZES[design]), range(TRIES), [NO_CHANGE])


@cache
def changed(design: str, noise: str, size: int, tries: int) -> Sequence[Calls]:
    return simulated_calls(Cell(design, noise, size), range(tries), [SOME_CHANGE])


def most(share: Share, bound: float) -> int:
    return int(binom.ppf(1 - HARDLY_EVER, share.of, bound))


def least(share: Share, bound: float, chance: float) -> int:
    return int(binom.ppf(chance, share.of, bound))


@pytest.mark.parametrize(("design", "noise"), HELD)
def test_a_compared_with_a_calls_any_case_once_in_20_comparisons_at_most(
    design: str, noise: str
) -> None:
    share = comparisons_with_alarm(unchanged(design, noise))
    assert share.hits <= most(share, MOST_FALSE_ALARMS)


def test_on_a_machine_that_walks_one_run_against_one_calls_a_case_in_20_at_most() -> None:
    """Any of four is called more often: Cases and controls meet the walk at different moments."""
    share = false_alarms(unchanged("3", WALK))
    assert share.hits <= most(share, MOST_FALSE_ALARMS)


@each_design
def test_over_all_noises_a_case_is_called_once_in_20_comparisons_at_most(design: str) -> None:
    """So many comparisons show what few cannot: that several Cases are corrected for."""
    noises = [noise for own, noise in HELD if own == design]
    share = comparisons_with_alarm([calls for one in noises for calls in unchanged(design, one)])
    assert share.of == len(noises) * TRIES
    assert share.hits <= most(share, MOST_FALSE_ALARMS)


@pytest.mark.parametrize(("design", "noise"), COVERED)
def test_the_interval_holds_the_true_ratio_in_93_of_100(design: str, noise: str) -> None:
    """Intervals of one try feel the same machine: there are as many as tries, for the limit."""
    share = coverage(unchanged(design, noise))
    limit = binom.ppf(HARDLY_EVER, TRIES, LEAST_COVERAGE) / TRIES
    assert share.hits >= limit * share.of


@each_design
def test_over_all_noises_intervals_hold_the_true_ratio_in_93_of_100(design: str) -> None:
    noises = [noise for own, noise in COVERED if own == design]
    share = coverage([calls for one in noises for calls in unchanged(design, one)])
    tries = len(noises) * TRIES
    assert share.hits >= binom.ppf(HARDLY_EVER, tries, LEAST_COVERAGE) / tries * share.of


def test_five_percent_at_two_percent_of_noise_are_called_with_ten_rounds_of_one_run() -> None:
    share = power(changed("1", "independent", 10, TRIES), 1.05)
    assert share.hits >= least(share, LEAST_POWER, RARELY)


def test_pairs_of_one_run_see_three_percent_on_a_machine_that_walks() -> None:
    """In nine tries of ten, by the tables; without pairs it would be six."""
    share = power(changed("1", "a random walk", 30, 60), 1.03)
    assert share.hits >= least(share, 0.90, RARELY)


@each_design
def test_a_tenth_is_called_on_a_steady_machine_and_never_the_other_way(design: str) -> None:
    found = changed(design, "independent", SIZES[design], TRIES)
    share = power(found, 1.10)
    assert share.hits >= least(share, LEAST_POWER, RARELY)
    said = {one.verdict for one in chain.from_iterable(found) if one.change > 1}
    assert Verdict.SLOWER not in said


def test_a_try_is_the_same_whoever_makes_it() -> None:
    cell = Cell("3", "independent", 10)
    assert simulated_calls(cell, range(2, 4)) == simulated_calls(cell, range(4))[4:]
    assert simulated_calls(cell, range(1)) != simulated_calls(cell, range(1, 2))


def test_the_tables_have_a_row_for_each_noise_and_a_figure_for_each_size() -> None:
    found = simulated_calls(Cell("2", "independent", 4), range(1))
    design = DESIGNS["2"]
    lines = list(error_rates.table(design, dict.fromkeys(NOISES, [found] * 3)))
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 1 + len(NOISES)
    assert all(row.count("·") == 2 * 6 for row in rows[1:])
    assert false_alarms(found).of == 1
    assert power(found, 1.10).of == 1
