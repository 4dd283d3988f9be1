"""How often comparisons call a difference on this machine: where there is none, and where one is.

``python tests/perf/aa_runs.py measure DIRECTORY --noise long --runs 30`` makes Runs of one plan,
one after the other, beside foreign load of ours (tests/noise.py); ``… count DIRECTORY --design
DESIGN`` compares them as users do and counts. With ``--knob`` each Case is there with both values
of a tunable, for ``--design one-run``.
"""

import argparse
import contextlib
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from loadstone import api
from loadstone.analysis.comparison import Comparison, Verdict
from loadstone.model import Run

ROOT = Path(__file__).parents[2]
PLAN = ROOT / "docs" / "plans" / "aa.toml"
# The least and the most seconds of a burst, and of the pause before it.
NOISES = {"none": None, "short": (4.0, 25.0), "long": (25.0, 70.0)}
_CALLED = (Verdict.FASTER, Verdict.SLOWER)


@contextlib.contextmanager
def noise(directory: Path, kind: str, seed: int) -> Iterator[None]:
    """Foreign load beside what is done meanwhile."""
    bounds = NOISES[kind]
    if bounds is None:
        yield
        return
    words = (str(ROOT / "tests" / "noise.py"), str(directory), "--seed", str(seed))
    burst = ("--burst", *map(str, bounds))
    with subprocess.Popen([sys.executable, *words, *burst], start_new_session=True) as process:
        try:
            yield
        finally:
            process.terminate()


def measure(said: argparse.Namespace) -> None:
    """Make the Runs; those that are there already are counted."""
    said.directory.mkdir(parents=True, exist_ok=True)
    knobs = dict([_knob(text) for text in said.knob])
    axes = dict([_knob(text) for text in said.set])
    with noise(said.directory, said.noise, said.seed):
        for number in range(said.runs):
            api.run(
                said.plan,
                axes=axes,
                knobs=knobs,
                rounds=said.rounds,
                seed=said.seed + number,
                results=said.directory,
            )
            sys.stderr.write(f"{number + 1} of {said.runs}\n")


def _knob(text: str) -> tuple[str, list[str]]:
    name, _, values = text.partition("=")
    return name, values.split(",")


def count(said: argparse.Namespace) -> None:
    """Compare the Runs, and print how many Cases were called."""
    runs = [api.load(str(path)) for path in sorted((said.directory / "runs").iterdir())]
    comparisons = list(_comparisons(runs, said))
    effects = [effect for comparison in comparisons for effect in comparison.effects]
    called = [effect for effect in effects if effect.verdict in _CALLED]
    if said.verbose:
        for effect in called:
            ends = f"[{effect.low - 1:+.1%}, {effect.high - 1:+.1%}]"
            sys.stdout.write(f"  {effect.verdict} {effect.ratio - 1:+.1%} {ends} {effect.label}\n")
    low, high = _bounds(len(called), len(effects))
    sys.stdout.write(
        f"{said.directory.name}, {said.design}: {len(called)} of {len(effects)} called, "
        f"{len(called) / len(effects):.1%} [{low:.1%}, {high:.1%}], in {len(comparisons)} "
        f"comparisons of {len(runs)} Runs\n"
    )


def _comparisons(runs: Sequence[Run], said: argparse.Namespace) -> Iterator[Comparison]:
    if said.design == "one-run":
        for run in runs:
            yield api.compare(run, by=said.by)
    elif said.design == "one-against-one":
        for base, new in pairwise(runs):
            yield api.compare(base, new)
    else:
        lot = random.Random(said.seed)
        for first in range(0, len(runs) - 2 * said.size + 1, 2 * said.size):
            drawn = lot.sample(runs[first : first + 2 * said.size], 2 * said.size)
            yield api.compare_sides(drawn[: said.size], drawn[said.size :])


def _bounds(called: int, of: int) -> tuple[float, float]:
    """The exact 95 % interval of a share (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    found = binomtest(called, of).proportion_ci(0.95)
    return float(found.low), float(found.high)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    measuring = verbs.add_parser("measure")
    measuring.add_argument("directory", type=Path)
    measuring.add_argument("--noise", choices=NOISES, default="none")
    measuring.add_argument("--runs", type=int, default=30)
    measuring.add_argument("--rounds", type=int)
    measuring.add_argument("--seed", type=int, default=1)
    measuring.add_argument("--plan", default=str(PLAN))
    measuring.add_argument("--knob", action="append", default=[], metavar="NAME=V1,V2")
    measuring.add_argument("--set", action="append", default=[], metavar="KEY=V1,V2")
    counting = verbs.add_parser("count")
    counting.add_argument("directory", type=Path)
    counting.add_argument(
        "--design", choices=("one-run", "one-against-one", "several"), default="one-against-one"
    )
    counting.add_argument("--by", default="knob.vm.stat_interval")
    counting.add_argument("--size", type=int, default=6, help="Runs on each side")
    counting.add_argument("--seed", type=int, default=1, help="of which Run is whose")
    counting.add_argument("--verbose", action="store_true")
    said = parser.parse_args()
    measure(said) if said.verb == "measure" else count(said)


if __name__ == "__main__":
    main()
