"""Which counters are told of a change, and what they mean."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy.stats import binom

from loadstone.analysis.explanation import counter_words, explain_change
from loadstone.model import Status, Trial
from sample_runs import SPEED

_ROUNDS = 10


def trials_of(counters: Mapping[str, Sequence[float]], figures: Sequence[float]) -> list[Trial]:
    return [
        Trial(
            case="case",
            round=number,
            warmup=False,
            started="",
            status=Status.OK,
            metrics={SPEED.name: figure},
            evidence={name: values[number] for name, values in counters.items()},
        )
        for number, figure in enumerate(figures)
    ]


def _noisy(random: np.random.Generator, middle: float, spread: float = 0.3) -> list[float]:
    return list(map(float, middle * np.exp(spread * random.standard_normal(_ROUNDS))))


def test_noise_is_told_in_no_more_than_one_of_twenty_comparisons() -> None:
    random, tries = np.random.default_rng(1), 100
    told = 0
    for _ in range(tries):
        base, new = (
            trials_of(
                {f"counter{number}": _noisy(random, 100) for number in range(40)},
                _noisy(random, 1e9),
            )
            for _ in range(2)
        )
        told += bool(explain_change(base, new, SPEED).evidence)
    assert told <= binom.ppf(0.99, tries, 0.05)


def test_a_known_pattern_comes_first_and_says_what_it_means() -> None:
    random = np.random.default_rng(2)

    def side(reads: float, faults: float, other: float, speed: float) -> list[Trial]:
        counters = {
            "pages": _noisy(random, other, 0.01),
            "block.read_ios": _noisy(random, reads, 0.1),
            "major_faults": _noisy(random, faults, 0.1),
            "unmoved": _noisy(random, 50),
        }
        return trials_of(counters, _noisy(random, speed, 0.05))

    found = explain_change(side(270, 1, 10, 2e9), side(15370, 15360, 20, 1e9), SPEED)
    assert list(found.evidence)[:2] in (
        ["block.read_ios", "major_faults"],
        ["major_faults", "block.read_ios"],
    )
    assert list(found.evidence)[2:] == ["pages"]
    assert found.cause == "read-ahead shrank"
    assert counter_words("block.read_ios") == "device reads"
    assert counter_words("pages") == "pages"


def test_at_most_three_are_told_those_first_that_the_metric_goes_along_with() -> None:
    random = np.random.default_rng(3)
    speed = [_noisy(random, 1e9, 0.2), _noisy(random, 2e9, 0.2)]
    counters = [
        {
            "close": [1e12 / figure for figure in figures],
            **{f"far{number}": _noisy(random, level, 0.01) for number in range(5)},
        }
        for figures, level in zip(speed, (1.0, 2.0), strict=True)
    ]
    sides = [trials_of(*both) for both in zip(counters, speed, strict=True)]
    found = explain_change(sides[0], sides[1], SPEED)
    assert len(found.evidence) == 3
    assert next(iter(found.evidence)) == "close"
    assert found.cause is None


@pytest.mark.parametrize("rounds", [1, 2])
def test_of_too_few_trials_nothing_is_told(rounds: int) -> None:
    base, new = (trials_of({"flushes": [count] * rounds}, [1.0] * rounds) for count in (1.0, 2.0))
    assert explain_change(base, new, SPEED).evidence == {}
