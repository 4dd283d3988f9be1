"""The statistics keep what they promise: coverage, known values, and no surprises."""

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from loadstone.analysis import stats

Draw = Callable[[np.random.Generator, int], list[float]]
Test = Callable[[list[float], list[float]], float]


def _normal(random: np.random.Generator, n: int) -> list[float]:
    return [float(value) for value in 100 + 3 * random.standard_normal(n)]


def _lognormal(random: np.random.Generator, n: int) -> list[float]:
    return [float(value) for value in 100 * np.exp(0.5 * random.standard_normal(n))]


def _outliers(random: np.random.Generator, n: int) -> list[float]:
    """One value in ten far off, to either side, so that the median stays 100."""
    scale = np.where(random.random(n) < 0.1, 40, 3)
    return [float(value) for value in 100 + scale * random.uniform(-1, 1, n)]


def needed_of(
    base: list[float],
    new: list[float],
    *,
    threshold: float = 0.03,
    paired: bool = False,
    comparisons: int = 1,
) -> int | None:
    interval = stats.ratio_interval(base, new, paired)
    return stats.rounds_needed(interval, len(base), threshold, paired, comparisons)


SHAPES = pytest.mark.parametrize("draw", [_normal, _lognormal, _outliers])


@SHAPES
@pytest.mark.parametrize("n", [2, 3, 5, 7, 10, 20])
def test_the_interval_of_a_median_covers_it_19_times_in_20(draw: Draw, n: int) -> None:
    random = np.random.default_rng(n)
    tries = 1500
    intervals = [stats.median_interval(draw(random, n)) for _ in range(tries)]
    covered = sum(interval.low <= 100 <= interval.high for interval in intervals)
    assert binom.ppf(0.001, tries, 0.945) <= covered <= binom.ppf(0.999, tries, 0.97)


def test_a_lower_confidence_is_honoured_too() -> None:
    random = np.random.default_rng(0)
    tries = 1500
    intervals = [stats.median_interval(_normal(random, 8), 0.8) for _ in range(tries)]
    covered = sum(interval.low <= 100 <= interval.high for interval in intervals)
    assert binom.ppf(0.001, tries, 0.79) <= covered <= binom.ppf(0.999, tries, 0.81)


def test_one_value_is_its_own_interval_and_none_is_an_error() -> None:
    assert stats.median_interval([7.0]) == stats.Interval(7.0, 7.0, 7.0)
    with pytest.raises(ValueError, match="no values"):
        stats.median_interval([])


def test_an_interval_of_few_positive_values_stays_above_zero() -> None:
    assert stats.median_interval([1.0, 100.0]).low == 0.0
    assert stats.median_interval([-1.0, 100.0]).low < -1.0


def test_one_outlier_does_not_widen_the_interval_of_many_values() -> None:
    values = [100.0 + i for i in range(10)]
    assert stats.median_interval([*values[:-1], 1e9]) == stats.median_interval(values)


@SHAPES
@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_the_interval_of_a_ratio_covers_it_at_least_19_times_in_20(draw: Draw, n: int) -> None:
    random = np.random.default_rng(n)
    tries = 200
    covered = 0
    for _ in range(tries):
        new = [1.2 * value for value in draw(random, n)]
        interval = stats.ratio_interval(draw(random, n), new, paired=False)
        covered += interval.low <= 1.2 <= interval.high
    assert covered >= binom.ppf(0.001, tries, 0.95)


def test_the_interval_of_a_ratio_of_many_normal_values_is_as_wide_as_theory_has_it() -> None:
    random = np.random.default_rng(6)
    intervals = [
        stats.ratio_interval(_normal(random, 200), _normal(random, 200), paired=False)
        for _ in range(20)
    ]
    width = float(np.mean([math.log(interval.high / interval.low) for interval in intervals]))
    assert width == pytest.approx(2 * 1.96 * 0.03 * math.sqrt(math.pi / 2 * 2 / 200), rel=0.1)


def test_pairing_takes_out_what_both_sides_share() -> None:
    random = np.random.default_rng(1)
    shared = [math.exp(0.3 * step) for step in random.standard_normal(20)]
    base = [level * value for level, value in zip(shared, _normal(random, 20), strict=True)]
    new = [1.2 * level * value for level, value in zip(shared, _normal(random, 20), strict=True)]
    apart = stats.ratio_interval(base, new, paired=False)
    together = stats.ratio_interval(base, new, paired=True)
    assert together.low <= 1.2 <= together.high
    assert (together.high - together.low) < (apart.high - apart.low) / 2
    assert stats.sign_flip_test(base, new) < 0.001 < stats.rank_test(base, new)


def test_the_ratio_of_pairs_is_the_median_of_their_own_ratios() -> None:
    base, new = [1.0, 2.0, 4.0], [1.1, 2.4, 4.8]
    assert stats.ratio_interval(base, new, paired=True).median == pytest.approx(1.2)
    assert stats.ratio_interval([2.0], [3.0], paired=True) == stats.Interval(1.5, 1.5, 1.5)


@SHAPES
@pytest.mark.parametrize("n", [2, 3, 5, 10, 30])
def test_the_interval_of_pairs_covers_their_ratio_on_a_machine_that_moves(
    draw: Draw, n: int
) -> None:
    random = np.random.default_rng(n)
    tries = 800
    covered = 0
    for _ in range(tries):
        levels = np.exp(np.cumsum(0.2 * random.standard_normal(n)))
        base = (levels * draw(random, n)).tolist()
        new = (1.2 * levels * draw(random, n)).tolist()
        interval = stats.ratio_interval(base, new, paired=True)
        covered += interval.low <= 1.2 <= interval.high
    assert covered >= binom.ppf(0.001, tries, 0.945)


@pytest.mark.parametrize("n", [3, 9])
@pytest.mark.parametrize("paired", [True, False])
def test_a_ratio_does_not_depend_on_the_unit_and_repeats(n: int, paired: bool) -> None:
    random = np.random.default_rng(2)
    base, new = _normal(random, n), _normal(random, n)
    before = stats.ratio_interval(base, new, paired)
    after = stats.ratio_interval([v * 1e6 for v in base], [v * 1e6 for v in new], paired)
    assert after.low == pytest.approx(before.low, rel=1e-12)
    assert after.high == pytest.approx(before.high, rel=1e-12)
    assert stats.ratio_interval(base, new, paired) == before
    assert before.low <= before.median <= before.high


@pytest.mark.parametrize(
    ("base", "new", "paired"),
    [([], [1.0], False), ([1.0], [0.0], False), ([1.0], [0.0], True), ([1.0, 2.0], [1.0], True)],
)
def test_a_ratio_of_nothing_zero_or_unequal_pairs_is_an_error(
    base: list[float], new: list[float], paired: bool
) -> None:
    with pytest.raises(ValueError, match=r"positive values|equal sides"):
        stats.ratio_interval(base, new, paired)


def test_the_rank_test_gives_the_tabulated_exact_values() -> None:
    low, high = [1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.5, 11.0]
    assert stats.rank_test(low, high) == pytest.approx(2 / 252)


@pytest.mark.parametrize("n", [1, 2, 5, 13])
def test_pairs_that_all_move_one_way_have_the_least_p_that_signs_can_have(n: int) -> None:
    base = [float(value) for value in range(1, n + 1)]
    new = [value + value**2 / 100 for value in base]
    assert stats.sign_flip_test(base, new) == stats.sign_flip_test(new, base) == 2 / 2**n


def test_the_exact_p_of_pairs_is_the_share_of_signs_that_are_as_far_off() -> None:
    """Logarithms of 2, 2, 2 and -5, which counts as -2: a sum of 4, which 10 of 16 signs reach."""
    new = [math.e**2, math.e**2, math.e**2, math.e**-5]
    assert stats.sign_flip_test([1.0] * 4, new) == pytest.approx(10 / 16)


def test_a_few_pairs_that_lose_much_do_not_outweigh_many_that_gain() -> None:
    base = [1.0] * 20
    new = [1.25 + index / 1000 for index in range(16)] + [0.4, 0.45, 0.5, 0.55]
    assert stats.sign_flip_test(base, new) < 0.02
    assert stats.sign_flip_test(base, new[::-1]) == pytest.approx(
        stats.sign_flip_test(base, new), abs=0.01
    )


def test_pairs_that_do_not_differ_are_called_once_in_20_at_most_wherever_they_lie() -> None:
    random = np.random.default_rng(7)
    tries = 500
    for n in (8, 12):
        called = 0
        for _ in range(tries):
            levels = np.exp(np.cumsum(0.2 * random.standard_normal(n)))
            base, new = ((levels * _outliers(random, n)).tolist() for _ in range(2))
            called += stats.sign_flip_test(base, new) < 0.05
        assert called <= binom.ppf(0.999, tries, 0.05)


def test_a_test_of_pairs_of_nothing_zero_or_unequal_sides_is_an_error() -> None:
    for base, new in (([], []), ([1.0], [0.0]), ([1.0, 2.0], [1.0])):
        with pytest.raises(ValueError, match=r"positive values|equal sides"):
            stats.sign_flip_test(base, new)
    with pytest.raises(ValueError, match="both sides"):
        stats.rank_test([], [1.0])


TESTS = pytest.mark.parametrize("test", [stats.rank_test, stats.sign_flip_test])


@TESTS
@pytest.mark.parametrize("n", [1, 2, 10, 60])
def test_equal_values_are_no_difference_and_no_warning(test: Test, n: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert test([3.0] * n, [3.0] * n) == 1.0
        assert stats.drift([3.0] * n).p == 1.0


@TESTS
@pytest.mark.parametrize("n", [2, 5, 12, 60])
def test_tied_values_give_a_p_value_without_a_warning(test: Test, n: int) -> None:
    random = np.random.default_rng(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(10):
            base, new = random.integers(1, 4, (2, n)).tolist()
            assert 0 < test(base, new) <= 1


def test_holm_matches_the_worked_example_and_keeps_the_order() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([0.6, 0.9]) == [1.0, 1.0]
    assert stats.holm([]) == []


def test_the_rounds_asked_for_are_enough_most_of_the_time() -> None:
    random = np.random.default_rng(4)
    asked = enough = 0
    while asked < 30:
        base, new = _normal(random, 8), [1.03 * value for value in _normal(random, 8)]
        interval = stats.ratio_interval(base, new, paired=False)
        needed = needed_of(base, new, threshold=0.01)
        if not interval.low <= 1 <= interval.high or needed is None or needed > 500:
            continue
        asked += 1
        more = [1.03 * value for value in _normal(random, needed)]
        again = stats.ratio_interval(_normal(random, needed), more, paired=False)
        enough += not again.low <= 1 <= again.high
    assert enough >= 20


def test_a_wider_spread_asks_for_rounds_by_its_square() -> None:
    base = [95.0, 97.0, 99.0, 101.0, 103.0, 105.0]
    twice = [100 + 2 * (value - 100) for value in base]
    once = needed_of(base, base, threshold=0.01)
    more = needed_of(twice, twice, threshold=0.01)
    assert once is not None
    assert more == pytest.approx(4 * once, rel=0.05)


def test_more_cases_at_once_ask_for_more_rounds() -> None:
    base, new = [1.0, 1.0, 1.0, 1.0, 1.0], [1.3, 1.3, 1.3, 1.3, 1.3]
    assert needed_of(base, new, comparisons=10) == 6
    assert needed_of(base, new, paired=True, comparisons=10) == 9


def test_rounds_are_not_guessed_where_nothing_tells_them() -> None:
    assert needed_of([1.0], [2.0]) is None
    assert needed_of([2.0, 2.0, 2.0], [2.0, 2.0, 2.0]) is None
    assert needed_of([1.0, 9.0, 99.0], [9.0, 1.0, 99.0], threshold=1e-6) is None


def test_a_trend_is_seen_with_its_size_and_noise_is_not_taken_for_one() -> None:
    trend = stats.drift([10.0, 11.0, 12.0, 13.0, 99.0, 15.0, 16.0, 17.0])
    assert trend.p < 0.05
    assert trend.change == pytest.approx(7.0)
    random = np.random.default_rng(5)
    tries = 1000
    seen = sum(stats.drift(_normal(random, 10)).p < 0.05 for _ in range(tries))
    assert seen <= binom.ppf(0.999, tries, 0.05)
    assert stats.drift([1.0, 2.0]).p == 1.0
