"""Several Runs against several: each is one figure, and what differs between Runs is noise."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binom

from analysis.runs import run_with
from loadstone.analysis.across_runs import compare_across
from loadstone.analysis.compare import compare
from loadstone.analysis.comparison import Comparison, Design, Verdict
from loadstone.analysis.run_stats import fewest_runs, permutation_p, runs_ratio_interval
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Better, Case, Metric, Run
from sample_runs import measured_run


def runs_of(name: str, figures: Sequence[Sequence[float]], label: str = "block 0") -> list[Run]:
    return [
        run_with(f"{name}{number}", {label: one}, hour=number) for number, one in enumerate(figures)
    ]


def compared(base: Sequence[Sequence[float]], new: Sequence[Sequence[float]]) -> Comparison:
    return compare_across(runs_of("a", base), runs_of("b", new))


def test_a_run_is_one_figure_however_many_its_rounds() -> None:
    base = [[100.0 + number] * 30 for number in range(4)]
    new = [[120.0 + number] * 30 for number in range(4)]
    comparison = compared(base, new)
    (effect,) = comparison.effects
    assert comparison.design is Design.SEVERAL_RUNS
    assert effect.verdict is Verdict.FASTER
    assert effect.p == pytest.approx(2 / 70)
    assert effect.ratio == pytest.approx(121.5 / 101.5)
    assert effect.low < effect.ratio < effect.high


def test_three_runs_against_three_call_nothing_and_say_how_many_would() -> None:
    comparison = compared([[100.0], [101.0], [99.0]], [[200.0], [201.0], [199.0]])
    assert comparison.effects[0].verdict is Verdict.INCONCLUSIVE
    assert "3 Runs against 3 can hardly call a difference: 4 against 4 can" in comparison.warnings
    assert [fewest_runs(0.05, cases) for cases in (1, 2, 10)] == [4, 5, 6]


def test_a_case_that_a_run_lacks_is_told_and_not_compared() -> None:
    base = [*runs_of("a", [[1.0]] * 3), run_with("a3", {"other": [1.0]}, hour=3)]
    with pytest.raises(CannotMeasureError, match="no Case was measured in all 8 Runs"):
        compare_across(base, runs_of("b", [[1.0]] * 4))


@pytest.mark.parametrize(
    ("bases", "news", "complaint"),
    [
        (("a0",), ("b0", "b1"), "BASE is a single Run"),
        (("a0", "a1"), ("b0",), "NEW is a single Run"),
        (("a0", "a1"), ("b0", "a1"), "a1 is named twice"),
    ],
)
def test_too_few_runs_and_the_same_ones_are_refused(
    bases: tuple[str, ...], news: tuple[str, ...], complaint: str
) -> None:
    base, new = ([run_with(id_, {"block 0": [1.0]}) for id_ in ids] for ids in (bases, news))
    with pytest.raises(UsageError, match=complaint):
        compare_across(base, new)


@pytest.mark.parametrize("runs", [3, 4, 6, 10])
def test_the_interval_holds_the_true_ratio_in_nineteen_of_twenty(runs: int) -> None:
    random, tries = np.random.default_rng(runs), 1000
    held = 0
    for _ in range(tries):
        base, new = np.exp(0.05 * random.standard_normal((2, runs)))
        interval = runs_ratio_interval(list(map(float, base)), list(map(float, 1.1 * new)))
        held += interval.low <= 1.1 <= interval.high
    assert held >= binom.ppf(0.01, tries, 0.93)


def test_p_is_that_of_all_arrangements() -> None:
    bases, news = [[1.0, 2.0, 3.0, 4.0], [7.1] * 4], [[5.0, 6.0, 7.0, 8.0], [7.1] * 4]
    assert permutation_p(bases, news) == pytest.approx([2 / 70, 1])
    assert permutation_p([[7.1] * 3], [[7.1] * 5]) == [1]
    with pytest.raises(ValueError, match="positive"):
        permutation_p([[0.0]], [[1.0]])


def test_runs_of_two_metrics_are_refused_whichever_of_them_is_the_other() -> None:
    time = Metric(name="elapsed_ns", unit="ns", better=Better.LOWER)
    case = Case.of("w", "block 0", {"block": 0})
    odd = measured_run([(case, [1.0, 2.0])], time, "odd")
    base, new = runs_of("a", [[1.0], [2.0]]), runs_of("b", [[1.0], [2.0]])
    words = f"odd measures {time.name} in ns"
    with pytest.raises(CannotMeasureError, match=words) as caught:
        compare_across(base, [new[0], odd])
    assert caught.value.remedy == "compare Runs of the same workload"
    with pytest.raises(CannotMeasureError, match=words):
        compare(base[0], odd)
