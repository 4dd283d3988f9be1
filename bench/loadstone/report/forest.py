"""A forest plot: of each Case compared the ratio, its interval, the verdict, and what moved."""

import math
from collections.abc import Iterator, Sequence

from loadstone.analysis.compare import compare
from loadstone.analysis.comparison import Comparison, Design, Effect, Verdict
from loadstone.analysis.thresholds import DEFAULT
from loadstone.analysis.within_run import PAIRS, compare_within
from loadstone.errors import CannotMeasureError
from loadstone.model import Noun, Run
from loadstone.report import figures

# Beyond four times, or a quarter, nobody reads how much further.
_MOST = math.log(4)
_TICKS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0)
_LEAST_GAP = 9.0


class ForestTick(Noun, frozen=True, kw_only=True):
    """A mark on the axis; ``at`` is in percent of its width."""

    label: str
    at: float


class ForestRow(Noun, frozen=True, kw_only=True):
    """A Case: ``low``, ``at`` and ``high`` are in percent of the axis, better to the right."""

    label: str
    low: float
    at: float
    high: float
    verdict: Verdict
    change: str
    bounds: str
    moved: tuple[str, ...]


class Forest(Noun, frozen=True, kw_only=True):
    """A Comparison as a picture; ``band`` is what still counts as the same."""

    title: str
    design: str
    metric: str
    ticks: tuple[ForestTick, ...]
    band: tuple[float, float]
    rows: tuple[ForestRow, ...]
    notes: tuple[str, ...]


def forests(runs: Sequence[Run]) -> list[Forest]:
    """Of one Run its pairs, if it has any; of several each compared with the first."""
    if len(runs) == 1:
        titled = [("B against A", _within(runs[0]))]
    else:
        titled = [
            (f"Run {number} against Run 1", _compared(runs[0], run))
            for number, run in enumerate(runs[1:], 2)
        ]
    return [_forest(title, comparison) for title, comparison in titled if comparison]


def _within(run: Run) -> Comparison | None:
    if not run.manifest.plan.pairs:
        return None
    try:
        return compare_within(run, PAIRS)
    except CannotMeasureError:
        # The report says of each Case what came of it.
        return None


def _compared(base: Run, new: Run) -> Comparison | None:
    try:
        return compare(base, new)
    except CannotMeasureError:
        # Likewise that they have no Case or no clock in common.
        return None


def _forest(title: str, comparison: Comparison) -> Forest:
    effects = comparison.effects
    reach = _reach(effects)
    return Forest(
        title=title,
        design=_design_words(comparison.design),
        metric=effects[0].metric,
        ticks=tuple(_ticks(reach)),
        band=(_at(1 / (1 + DEFAULT), reach), _at(1 + DEFAULT, reach)),
        rows=tuple(_row(effect, reach) for effect in effects),
        notes=comparison.warnings,
    )


def _design_words(design: Design) -> str:
    if design is Design.ONE_AGAINST_ONE:
        return f"{design.value}: what changed between them besides is not ruled out"
    return f"{design.value}, paired by round"


def _reach(effects: Sequence[Effect]) -> float:
    """How far the axis goes on either side of 1, as a logarithm."""
    bounds = (abs(math.log(bound)) for effect in effects for bound in (effect.low, effect.high))
    return min(max(1.1 * max(bounds), math.log1p(3 * DEFAULT)), _MOST)


def _at(ratio: float, reach: float) -> float:
    share = max(-1.0, min(1.0, math.log(ratio) / reach))
    return round(50 + 50 * share, 3)


def _ticks(reach: float) -> Iterator[ForestTick]:
    """Those within reach, none too near to another; 1 is among them."""
    places = {ratio: _at(ratio, reach) for ratio in _TICKS if abs(math.log(ratio)) <= reach}
    shown: list[float] = []
    for ratio in sorted(places, key=lambda one: (one != 1.0, -abs(math.log(one)))):
        if all(abs(places[ratio] - places[other]) >= _LEAST_GAP for other in shown):
            shown.append(ratio)
    for ratio in sorted(shown):
        yield ForestTick(label=f"{ratio - 1:+.0%}" if ratio != 1 else "0 %", at=places[ratio])


def _row(effect: Effect, reach: float) -> ForestRow:
    meaning = figures.meaning(effect)
    return ForestRow(
        label=effect.label,
        low=_at(effect.low, reach),
        at=_at(effect.ratio, reach),
        high=_at(effect.high, reach),
        verdict=effect.verdict,
        change=f"{effect.ratio - 1:+.1%}",
        bounds=f"{effect.low - 1:+.1%} to {effect.high - 1:+.1%}",
        moved=(*figures.moved_counters(effect), *([meaning] if meaning else [])),
    )
