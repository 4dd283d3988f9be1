"""What a change comes with: counters that moved beyond their noise, and what that means."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from loadstone.analysis.scipy_memory import require_memory
from loadstone.analysis.stats import holm, rank_test
from loadstone.model import Metric, Noun, Trial
from loadstone.result_names import CONTROLS, TIMED_NS, UNTIMED_NS

_ALPHA = 0.05
_LEAST_CHANGE = 0.10
_FEWEST_TRIALS = 3
_MOST_SHOWN = 3
_FILE = Path(__file__).with_name("patterns.toml")
# The Trial's own times and those of the controls, not what the kernel counted.
_OWN_TIMES = {
    *TIMED_NS,
    *UNTIMED_NS,
    *CONTROLS.values(),
    "first_byte_ns",
    "write_ns",
    "durable_ns",
    "busy_ns",
    "best_ns",
    "mean_cost_ns",
}


class Explanation(NamedTuple):
    """Counters with their medians in BASE and NEW, the most telling first; and what that means,
    if it is one of the known patterns."""

    evidence: Mapping[str, tuple[float, float]]
    cause: str | None


class _Pattern(Noun, frozen=True, kw_only=True):
    says: str
    when: Mapping[str, str]


class _Patterns(Noun, frozen=True, kw_only=True):
    words: Mapping[str, str]
    pattern: tuple[_Pattern, ...]


class _Move(NamedTuple):
    """A counter that differs: its medians, and its p."""

    name: str
    base: float
    new: float
    p: float

    @property
    def direction(self) -> str:
        return "up" if self.new > self.base else "down"


def explain_change(base: Sequence[Trial], new: Sequence[Trial], metric: Metric) -> Explanation:
    """The counters that changed beyond their noise between Trials, at most three.

    Each that differs by more than a tenth is tested by ranks, Trial by Trial, and corrected for how
    many were looked at. Those that remain are ordered by how closely the metric goes along with
    them over all Trials (Spearman), those of a known pattern first.
    """
    moves = [move for move in _moves(base, new) if move.p < _ALPHA]
    directions = {move.name: move.direction for move in moves}
    pattern = next((one for one in _patterns().pattern if _fits(one, directions)), None)
    own = pattern.when if pattern else {}
    along = {move.name: _goes_along(move.name, (*base, *new), metric) for move in moves}
    shown = sorted(moves, key=lambda move: (move.name not in own, -along[move.name], move.p))
    return Explanation(
        evidence={move.name: (move.base, move.new) for move in shown[:_MOST_SHOWN]},
        cause=pattern.says if pattern else None,
    )


def counter_words(name: str) -> str:
    """A counter in the field's words, or its own name."""
    return _patterns().words.get(name, name)


@cache
def _patterns() -> _Patterns:
    return msgspec.toml.decode(_FILE.read_bytes(), type=_Patterns)


def _fits(pattern: _Pattern, directions: Mapping[str, str]) -> bool:
    return all(directions.get(name) == direction for name, direction in pattern.when.items())


def _moves(base: Sequence[Trial], new: Sequence[Trial]) -> list[_Move]:
    found = []
    names = dict.fromkeys(name for trial in (*base, *new) for name in trial.evidence)
    for name in names.keys() - _OWN_TIMES:
        values = [
            [one.evidence[name] for one in side if name in one.evidence] for side in (base, new)
        ]
        if min(map(len, values)) < _FEWEST_TRIALS or not _differs(*map(median, values)):
            continue
        found.append(
            _Move(
                name=name,
                base=median(values[0]),
                new=median(values[1]),
                p=rank_test(values[0], values[1]),
            )
        )
    corrected = holm([move.p for move in found])
    return [move._replace(p=p) for move, p in zip(found, corrected, strict=True)]


def _differs(base: float, new: float) -> bool:
    change = abs(new - base) / abs(base) if base else (math.inf if new else 0.0)
    return change > _LEAST_CHANGE


def _goes_along(name: str, trials: Sequence[Trial], metric: Metric) -> float:
    """How closely the metric goes along with a counter over all Trials: the size of Spearman's
    rank correlation; 0 where either is the same in all."""
    having = [one for one in trials if name in one.evidence]
    counter = [one.evidence[name] for one in having]
    figures = [one.metrics[metric.name] for one in having]
    if len(set(counter)) == 1 or len(set(figures)) == 1:
        return 0.0
    require_memory()
    from scipy.stats import spearmanr

    return abs(float(spearmanr(counter, figures).statistic))
