"""A machine that is simulated: what it yields over time, alone or beside others, as Runs.

Slowness is a logarithm: 0 is the quiet machine, 0.2 takes a fifth longer. It has a part of the
machine's own at that time, which each Trial feels as far as it depends on the CPU, the memory and
the disk, and a part of the single Trial.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import msgspec
import numpy as np

from loadstone.model import Case, Run
from loadstone.result_names import CONTROLS
from sample_runs import SPEED, measured_run

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

SIGMA = 0.02
"""Of the logarithm of a single Trial's figure, on a quiet machine."""

# How much of the slowness of CPU, memory and disk reaches a Case.
_CASES: Mapping[str, tuple[float, float, float]] = {
    "warm": (1.0, 0.5, 0.0),
    "mapped": (0.6, 0.7, 0.2),
    "buffered": (0.4, 0.4, 0.6),
    "direct": (0.1, 0.1, 1.0),
}
# Each try has other Cases: theirs is as above within these limits.
_LEAST, _MOST = 0.7, 1.3
# The same of each control, the sigma of a single one, and its ns on a quiet machine.
_CONTROLS: Mapping[str, tuple[tuple[float, float, float], float, float]] = {
    "cpu": ((1.0, 0.0, 0.0), 0.02, 30e6),
    "memory": ((0.3, 0.9, 0.0), 0.03, 40e6),
    "read": ((0.1, 0.1, 1.0), 0.05, 60e6),
}
_CONTROLS_IN_A_ROUND = 3
_TRIAL_S, _CONTROLS_S, _BETWEEN_RUNS_S = 1.0, 0.05, 5.0
_PER_S = 1e9

MOST_CASES = len(_CASES)


class Timeline(NamedTuple):
    """When each Trial begins, in s, by Run, round and column; ``controlled`` are those that
    controls precede."""

    starts: Array
    controlled: Array
    run_s: float

    @property
    def end_s(self) -> float:
        """When the last Run has ended."""
        return len(self.starts) * (self.run_s + _BETWEEN_RUNS_S)


class Noise(NamedTuple):
    """What disturbs figures.

    ``own`` draws the slowness of single Trials, of the shape that it is given. ``machine`` draws
    that of CPU, memory and disk when each Trial begins, the last axis. ``level_sigma`` is how much
    a Case differs from Run to Run, as by where a boot puts its memory.
    """

    own: Callable[[np.random.Generator, tuple[int, ...]], Array]
    machine: Callable[[np.random.Generator, Timeline], Array]
    level_sigma: float = 0.0


class Session(NamedTuple):
    """Runs, one after the other, by Run, round, Case and value of its parameter.

    ``slowness`` is that of Trials. ``controls``, by name, are what each took right before a Trial,
    in ns; not a number before Trials that no control precedes.
    """

    slowness: Array
    controls: Mapping[str, Array]


def simulate(
    random: np.random.Generator,
    noise: Noise,
    *,
    runs: int,
    rounds: int,
    cases: int = MOST_CASES,
    values: int = 1,
) -> Session:
    """Have a machine make Runs.

    Each round has every Case once for each value of its parameter, in an order that is drawn
    anew, and the controls at most three times between. Values of one Case feel the machine alike.

    Args:
        cases: how many of the four; where fewer, which ones is drawn.
    """
    timeline = _timeline(random, runs, rounds, cases * values)
    machine = noise.machine(random, timeline)
    felt = random.permutation(np.array(list(_CASES.values())))[:cases]
    felt = np.repeat(felt * random.uniform(_LEAST, _MOST, felt.shape), values, axis=0)
    shape = (runs, rounds, cases, values)
    slowness = np.einsum("rnck,ck->rnc", machine, felt).reshape(shape)
    slowness += noise.own(random, shape)
    slowness += noise.level_sigma * random.standard_normal((runs, 1, cases, 1))
    controls = _controls(random, machine, timeline.controlled)
    return Session(slowness, {name: ns.reshape(shape) for name, ns in controls.items()})


def one_run(session: Session, changes: Sequence[float]) -> Run:
    """The first Run, of Cases at two values of ``overlap``.

    Args:
        changes: for each Case, by how much its second value is faster.
    """
    factors = np.array([[1.0, change] for change in changes])
    return _run(session, 0, factors, has_controls=False)


def runs_in_turns(
    session: Session,
    changes: Sequence[float],
    turns: Sequence[bool],
    has_controls: bool = False,
) -> tuple[list[Run], list[Run]]:
    """All Runs, BASE's and NEW's.

    Args:
        changes: for each Case, by how much it is faster in NEW.
        turns: of each Run, whether it is NEW's.
        has_controls: whether they carry what the controls took.
    """
    sides: tuple[list[Run], list[Run]] = ([], [])
    for number, is_new in enumerate(turns):
        factors = np.array([[change if is_new else 1.0] for change in changes])
        sides[is_new].append(_run(session, number, factors, has_controls))
    return sides


def turns_by_lot(random: np.random.Generator, runs_a_side: int) -> list[bool]:
    """An order of Runs, drawn as docs/compare.md says; of each, whether it is NEW's."""
    return [bool(turn) for turn in random.permutation([False, True] * runs_a_side)]


def _run(session: Session, number: int, factors: Array, has_controls: bool) -> Run:
    figures = _PER_S * factors * np.exp(-session.slowness[number])
    cases = list(_cases(*factors.shape))
    own = [
        (case, list(map(float, figures[:, row, column])))
        for case, (row, column) in zip(cases, np.ndindex(*factors.shape), strict=True)
    ]
    run = measured_run(own, SPEED, f"run-{number}", hour=number)
    if not has_controls:
        return run
    shape = (len(figures), len(cases))
    return _carry_controls(
        run, {name: ns[number].reshape(shape) for name, ns in session.controls.items()}
    )


def _cases(cases: int, values: int) -> Iterator[Case]:
    for number, value in product(range(cases), range(values)):
        label = f"case {number} overlap {value}"
        yield Case.of("model-load", label, {"block": number, "overlap": value})


def _carry_controls(run: Run, controls: Mapping[str, Array]) -> Run:
    """The Run with what controls took before its Trials.

    Args:
        controls: by name, by round and Trial of a round.
    """
    trials = []
    for trial, places in zip(run.trials, _places(run), strict=True):
        figures = {CONTROLS[name]: float(ns[places]) for name, ns in controls.items()}
        known = {name: ns for name, ns in figures.items() if not math.isnan(ns)}
        trials.append(msgspec.structs.replace(trial, evidence={**trial.evidence, **known}))
    return msgspec.structs.replace(run, trials=tuple(trials))


def _places(run: Run) -> Iterator[tuple[int, int]]:
    """Of each Trial its round, and the number of its Case in the Plan."""
    columns = {case.id: column for column, case in enumerate(run.manifest.plan.cases)}
    for trial in run.trials:
        yield trial.round, columns[trial.case]


def _timeline(random: np.random.Generator, runs: int, rounds: int, trials: int) -> Timeline:
    every = -(-trials // _CONTROLS_IN_A_ROUND)
    round_s = trials * _TRIAL_S + -(-trials // every) * _CONTROLS_S
    run_s = rounds * round_s
    run_starts = np.arange(runs) * (run_s + _BETWEEN_RUNS_S)
    round_starts = run_starts[:, None] + np.arange(rounds) * round_s
    places = random.permuted(np.tile(np.arange(trials), (runs, rounds, 1)), axis=2)
    offsets = _TRIAL_S * places + _CONTROLS_S * (1 + places // every)
    return Timeline(round_starts[:, :, None] + offsets, places % every == 0, run_s)


def _controls(random: np.random.Generator, machine: Array, controlled: Array) -> dict[str, Array]:
    found = {}
    for name, (felt, sigma, quiet_ns) in _CONTROLS.items():
        slowness = machine @ np.array(felt) + sigma * random.standard_normal(controlled.shape)
        found[name] = np.where(controlled, quiet_ns * np.exp(slowness), np.nan)
    return found


def _normal(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return SIGMA * random.standard_normal(shape)


def _lognormal(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A time that nothing undercuts, and a wait of 2 % in the median, often much longer."""
    waits: Array = np.log1p(SIGMA * random.lognormal(size=shape))
    return waits


def _bimodal(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Three Trials in ten take another way, which is slower by 8 %."""
    return 0.08 * (random.random(shape) < 0.3) + _normal(random, shape) / 2


def _outliers(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """One Trial in twenty is slower, by a half in the mean."""
    far: Array = (random.random(shape) < 0.05) * random.exponential(0.5, shape)
    return _normal(random, shape) + far


def _quiet(random: np.random.Generator, timeline: Timeline) -> Array:
    del random
    return np.zeros((*timeline.starts.shape, 3))


def _drift(random: np.random.Generator, timeline: Timeline) -> Array:
    """Slower by 3 to 10 % from the first Trial of all to the last, at an even pace."""
    slope = random.uniform(0.03, 0.10, 3) / timeline.end_s
    return _at(timeline.starts, slope)


def _own_drifts(random: np.random.Generator, timeline: Timeline) -> Array:
    """Each Run begins at the same level, and becomes slower or faster, by 6 % or so at its end."""
    runs = len(timeline.starts)
    since = timeline.starts - timeline.starts.min(axis=(1, 2), keepdims=True)
    slopes = random.normal(0, 0.06, (runs, 1, 1)) / timeline.run_s
    return _at(since * slopes, random.uniform(0.5, 1.0, 3))


def _step(random: np.random.Generator, timeline: Timeline) -> Array:
    """At once slower, or faster, by 5 to 20 %: between two Runs, or amid the only one."""
    runs = len(timeline.starts)
    if runs > 1:
        at = timeline.starts[random.integers(1, runs)].min()
    else:
        at = random.uniform(0.1, 0.9) * timeline.run_s
    height = random.choice([-1.0, 1.0]) * random.uniform(0.05, 0.20, 3)
    return _at((timeline.starts >= at).astype(float), height)


def _random_walk(random: np.random.Generator, timeline: Timeline) -> Array:
    """Each second CPU, memory and disk become slower or faster by 0.5 %."""
    flat = timeline.starts.ravel()
    order = flat.argsort()
    pauses = np.diff(flat[order], prepend=0.0)
    steps = 0.005 * np.sqrt(pauses)[:, None] * random.standard_normal((flat.size, 3))
    walk = np.empty((flat.size, 3))
    walk[order] = steps.cumsum(axis=0)
    return walk.reshape(*timeline.starts.shape, 3)


def _bursts(low: float, high: float) -> Callable[[np.random.Generator, Timeline], Array]:
    """Foreign load that comes and goes, by which CPU, memory and disk are slower by up to 30 %.

    Args:
        low, high: how long it stays, and stays away, in Runs.
    """

    def machine(random: np.random.Generator, timeline: Timeline) -> Array:
        most = int(timeline.end_s / (low * timeline.run_s)) + 4
        stretches = random.uniform(low, high, most) * timeline.run_s
        # It has come and gone for long when the first Run begins.
        edges = stretches.cumsum() - random.uniform(0, 2 * high) * timeline.run_s
        heights = random.uniform(0.0, 0.3, (most + 1, 3)) * (np.arange(most + 1) % 2)[:, None]
        found: Array = heights[edges.searchsorted(timeline.starts)]
        return found

    return machine


def _at(course: Array, height: Array) -> Array:
    found: Array = course[..., None] * height
    return found


NOISES: Mapping[str, Noise] = {
    "independent": Noise(_normal, _quiet),
    "lognormal": Noise(_lognormal, _quiet),
    "bimodal": Noise(_bimodal, _quiet),
    "5 % outliers": Noise(_outliers, _quiet),
    "linear drift": Noise(_normal, _drift),
    "a step": Noise(_normal, _step),
    "a random walk": Noise(_normal, _random_walk),
    "bursts shorter than a Run": Noise(_normal, _bursts(0.1, 0.9)),
    "bursts longer than a Run": Noise(_normal, _bursts(1.0, 3.0)),
    "each Run its own level": Noise(_normal, _quiet, level_sigma=0.03),
    "each Run drifts by itself": Noise(_normal, _own_drifts),
}
"""By name; but for the first four Trials have normal noise of ``SIGMA`` as well."""
