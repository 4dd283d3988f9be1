"""How often comparisons of simulated Runs are wrong, and how often they see a true change.

``python tests/analysis/error_rates.py`` prints the tables of docs/statistics.md.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parents[1]))

from analysis.simulation import (
    MOST_CASES,
    NOISES,
    Noise,
    one_run,
    runs_in_turns,
    simulate,
    turns_by_lot,
)
from loadstone.analysis.across_runs import compare_across
from loadstone.analysis.compare import compare
from loadstone.analysis.comparison import Comparison, Verdict
from loadstone.analysis.effects import ALPHA
from loadstone.analysis.run_stats import fewest_runs
from loadstone.analysis.within_run import compare_within

CHANGES = (1.03, 1.05, 1.10)
"""The true changes of which it is asked how often they are called."""

_PROCESSES = 2
_FEW_ROUNDS = 5

Family = tuple[float, ...]
"""By how much each Case is truly faster, of those that are compared and corrected for at once."""

NO_CHANGE: Family = (1.0,) * MOST_CASES
SOME_CHANGE: Family = (1.0, *CHANGES)

_Compared = Callable[[np.random.Generator, Noise, int, Sequence[Family]], list[Comparison]]


class Design(NamedTuple):
    """A way to compare, tried with these numbers of rounds, or of Runs on each side.

    ``compared`` makes Runs of one machine and compares them, once for each Family; designs of one
    ``number`` meet the same machines. Sizes that can call no difference of four Cases at once are
    tried with one.
    """

    number: int
    title: str
    unit: str
    sizes: tuple[int, ...]
    compared: _Compared
    fewest_of_four: int = 0

    def families(self, size: int) -> tuple[Family, ...]:
        """Those that are compared at that size."""
        if size < self.fewest_of_four:
            return tuple((change,) for change in (1.0, *CHANGES))
        return NO_CHANGE, SOME_CHANGE


class Cell(NamedTuple):
    """Where in the tables: the names of a design and of a noise, and a size."""

    design: str
    noise: str
    size: int


class Call(NamedTuple):
    """What was said of a Case that is truly faster by ``change``."""

    change: float
    verdict: Verdict
    is_covered: bool

    @property
    def is_difference(self) -> bool:
        """Whether a difference was called."""
        return self.verdict in {Verdict.FASTER, Verdict.SLOWER}


Calls = tuple[Call, ...]
"""What was said of a Family."""


class Share(NamedTuple):
    """How many of how many."""

    hits: int
    of: int

    @property
    def percent(self) -> float:
        """The share."""
        return 100 * self.hits / self.of


def within_run(
    random: np.random.Generator, noise: Noise, rounds: int, families: Sequence[Family]
) -> list[Comparison]:
    """Design 1."""
    session = simulate(random, noise, runs=1, rounds=rounds, cases=len(families[0]), values=2)
    return [compare_within(one_run(session, family), "overlap") for family in families]


def several_against_several(
    random: np.random.Generator, noise: Noise, runs: int, families: Sequence[Family]
) -> list[Comparison]:
    """Design 2."""
    cases = len(families[0])
    session = simulate(random, noise, runs=2 * runs, rounds=_FEW_ROUNDS, cases=cases)
    turns = turns_by_lot(random, runs)
    return [compare_across(*runs_in_turns(session, family, turns)) for family in families]


def one_against_one(
    random: np.random.Generator,
    noise: Noise,
    rounds: int,
    families: Sequence[Family],
    has_controls: bool,
) -> list[Comparison]:
    """Design 3."""
    session = simulate(random, noise, runs=2, rounds=rounds, cases=len(families[0]))
    both = (runs_in_turns(session, family, (False, True), has_controls) for family in families)
    return [compare(base, new) for (base,), (new,) in both]


DESIGNS: Mapping[str, Design] = {
    "1": Design(1, "Within one Run", "rounds", (5, 10, 30), within_run),
    "2": Design(
        2,
        "Several Runs against several",
        "Runs a side",
        (4, 6, 10),
        several_against_several,
        fewest_of_four=fewest_runs(ALPHA, MOST_CASES),
    ),
    "3": Design(
        3,
        "One Run against one",
        "rounds",
        (5, 10, 30),
        partial(one_against_one, has_controls=True),
    ),
    "3-older": Design(
        3,
        "One Run against one, without controls (older Runs)",
        "rounds",
        (5, 10, 30),
        partial(one_against_one, has_controls=False),
    ),
}


def simulated_calls(
    cell: Cell, tries: Iterable[int], families: Sequence[Family] | None = None
) -> list[Calls]:
    """What was said in some tries of a cell. A try is the same whoever makes it, and when.

    Args:
        tries: their numbers.
        families: if not all that the design is tried with at this size.
    """
    design = DESIGNS[cell.design]
    families = families or design.families(cell.size)
    found = []
    for number in tries:
        seed = (design.number, list(NOISES).index(cell.noise), cell.size, number)
        random = np.random.default_rng(seed)
        compared = design.compared(random, NOISES[cell.noise], cell.size, families)
        found += [_calls(*one) for one in zip(families, compared, strict=True)]
    return found


def _calls(family: Family, comparison: Comparison) -> Calls:
    return tuple(
        Call(change, effect.verdict, effect.low <= change <= effect.high)
        for change, effect in zip(family, comparison.effects, strict=True)
    )


def false_alarms(found: Sequence[Calls]) -> Share:
    """Cases called different where nothing had changed."""
    return _share(one.is_difference for one in chain.from_iterable(_unchanged(found)))


def comparisons_with_alarm(found: Sequence[Calls]) -> Share:
    """Comparisons in which any Case was called different, and nothing had changed."""
    return _share(any(one.is_difference for one in calls) for calls in _unchanged(found))


def coverage(found: Sequence[Calls]) -> Share:
    """Intervals that hold the true ratio."""
    return _share(one.is_covered for one in chain.from_iterable(found))


def power(found: Sequence[Calls], change: float) -> Share:
    """Cases called faster of those that are, by ``change``."""
    changed = [one for one in chain.from_iterable(found) if one.change == change]
    return _share(one.verdict is Verdict.FASTER for one in changed)


def _unchanged(found: Sequence[Calls]) -> list[Calls]:
    return [calls for calls in found if all(one.change == 1 for one in calls)]


def _share(hits: Iterable[bool]) -> Share:
    known = list(hits)
    return Share(hits=sum(known), of=len(known))


def table(design: Design, by_noise: Mapping[str, Sequence[Sequence[Calls]]]) -> Iterator[str]:
    """A design's lines of Markdown: a row for each noise, a figure for each size."""
    sizes = ", ".join(map(str, design.sizes))
    columns = ["false alarms", "in any Case", "coverage"]
    columns += [f"sees +{change - 1:.0%}".replace("%", " %") for change in CHANGES]
    yield f"### {design.title}"
    yield ""
    yield f"In %, for {sizes} {design.unit}:"
    yield ""
    yield f"| noise | {' | '.join(columns)} |"
    yield "|---|" + "---|" * len(columns)
    for noise, by_size in by_noise.items():
        rows = [_percentages(found) for found in by_size]
        cells = (" · ".join(column) for column in zip(*rows, strict=True))
        yield f"| {noise} | {' | '.join(cells)} |"


def _percentages(found: Sequence[Calls]) -> list[str]:
    small = [false_alarms(found), comparisons_with_alarm(found), coverage(found)]
    large = [power(found, change) for change in CHANGES]
    return [f"{one.percent:.1f}" for one in small] + [f"{one.percent:.0f}" for one in large]


def precision(tries: int) -> str:
    """How far shares of so many tries are to be trusted: Clopper and Pearson's intervals."""
    told = []
    for percent in (1, 5, 50, 95):
        low, high = binomtest(round(tries * percent / 100), tries).proportion_ci()
        told.append(f"{percent} % is {100 * low:.1f} to {100 * high:.1f} %")
    return f"{tries} tries a figure, so that by 95 % {', '.join(told)}."


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=400)
    parser.add_argument("--design", choices=list(DESIGNS))
    options = parser.parse_args()
    names = [options.design] if options.design else list(DESIGNS)
    cells = [
        Cell(name, noise, size)
        for name in names
        for noise in NOISES
        for size in DESIGNS[name].sizes
    ]
    # By SIGTERM too the processes of the pool are ended on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Pool(_PROCESSES, signal.signal, (signal.SIGTERM, signal.SIG_DFL)) as pool:
        jobs = [(cell, range(options.tries)) for cell in cells]
        found = dict(zip(cells, pool.starmap(simulated_calls, jobs, chunksize=1), strict=True))
    lines = [precision(options.tries)]
    for name in names:
        design = DESIGNS[name]
        by_noise = {
            noise: [found[Cell(name, noise, size)] for size in design.sizes] for noise in NOISES
        }
        lines += ["", *table(design, by_noise)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
