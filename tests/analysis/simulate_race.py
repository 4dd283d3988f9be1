"""How often a race drops the best, and how soon it drops the others: docs/statistics.md's table.

``PYTHONPATH=tests python tests/analysis/simulate_race.py`` prints it. All that decides is the
package's own code.
"""

import sys
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import msgspec
import numpy as np

from analysis.simulate_stopping import INDEPENDENT, LEVELS, Noise
from loadstone.analysis.elimination import Way
from loadstone.analysis.race import Standing, standing
from loadstone.model import Case, Plan, RaceRule, Trial
from sample_runs import SPEED, plan_of, trial_of

ROUNDS = 60


class Found(NamedTuple):
    """What came of many races: shares of them, and rounds and Trials in the median."""

    dropped: float
    others_dropped: float
    rounds: float
    trials: float


def steady(random: np.random.Generator, rounds: int, noise: float) -> np.ndarray:
    """What a machine does that is always the same."""
    del random, noise
    return np.ones(rounds)


def race_plan(count: int, rounds: int = ROUNDS, **rule: object) -> Plan:
    """A Plan in which so many Cases race from the first round on."""
    cases = tuple(Case.of("w", f"depth {depth}", {"depth": depth}) for depth in range(count))
    race = RaceRule(first=tuple(case.id for case in cases), most_rounds=rounds)
    return msgspec.structs.replace(
        plan_of(cases, rounds=rounds), race=msgspec.structs.replace(race, **rule)
    )


def race_trials(plan: Plan, speeds: Sequence[Sequence[float]]) -> list[Trial]:
    """A Trial of each Case in each round, of which the race takes those that it has."""
    return [
        trial_of(case, number, {SPEED.name: float(speed)})
        for case, own in zip(plan.cases, speeds, strict=True)
        for number, speed in enumerate(own)
    ]


def raced(
    plan: Plan,
    noise: Noise,
    size: float,
    true: Sequence[float],
    random: np.random.Generator,
    level: Noise = steady,
) -> Standing:
    """One race of Cases that are so fast, of which slower Trials are slower by a factor."""
    moved = level(random, plan.rounds, size)
    speeds = [
        [one * 1e9 / slowed for slowed in noise(random, plan.rounds, size) * moved] for one in true
    ]
    return standing(plan, SPEED, race_trials(plan, speeds))


def races(
    noise: Noise,
    size: float,
    behind: Sequence[float],
    count: int,
    level: Noise = steady,
    seed: int = 1,
) -> Found:
    """Many races of a best Case and others, each behind by such a share.

    Args:
        behind: 0 is as good as the best, 0.1 a tenth slower.
    """
    plan = race_plan(1 + len(behind), ROUNDS)
    best, *others = (case.id for case in plan.cases)
    random = np.random.default_rng(seed)
    true = [1.0, *(1 - one for one in behind)]
    found = [raced(plan, noise, size, true, random, level) for _ in range(count)]
    return Found(
        dropped=sum(best in one.out for one in found) / count,
        others_dropped=sum(sum(other in one.out for other in others) for one in found)
        / (count * len(others)),
        rounds=median(one.rounds for one in found),
        trials=median(_trials(one) for one in found),
    )


def _trials(found: Standing) -> int:
    """How many Trials such a race would have made."""
    gone = [one.rounds for one in found.out.values() if one.way is Way.SLOWER]
    return sum(gone) + found.rounds * len(found.alive)


EQUAL = (0.0,) * 19
SPREAD = tuple(0.03 * number for number in range(1, 20))
CLOSE = (0.005,) * 19


def _write_row(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def main(count: int = 200) -> None:
    """Print the table."""
    headings = ("noise", "σ", "19 others", "the best is dropped", "of the others", "rounds")
    _write_row(*headings, "Trials")
    _write_row(*("---" for _ in range(len(headings) + 1)))
    rows: list[tuple[str, Noise, Noise]] = [
        (name, noise, steady) for name, noise in INDEPENDENT.items()
    ]
    rows += [(name, INDEPENDENT["normal"], level) for name, level in LEVELS.items()]
    fields = {"as fast": EQUAL, "0.5 % behind": CLOSE, "3 to 57 % behind": SPREAD}
    for name, noise, level in rows:
        for size in (0.05, 0.15):
            for words, behind in fields.items():
                found = races(noise, size, behind, count, level)
                shares = (f"{share:.1%}" for share in (found.dropped, found.others_dropped))
                _write_row(
                    name,
                    f"{size:.0%}",
                    words,
                    *shares,
                    f"{found.rounds:.0f}",
                    f"{found.trials:.0f}",
                )


if __name__ == "__main__":
    main()
