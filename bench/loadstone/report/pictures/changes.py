"""What changed from one Run to another, or within one that has pairs."""

from collections.abc import Sequence

from loadstone.model import Run
from loadstone.report.forest import forests
from loadstone.report.pictures.drawing import Drawing, ForestPanel

_ABOUT = (
    "Right of 0 % is better. Dot: ratio of the medians. Line: its 95 % interval. Grey: counts as "
    "the same."
)


def changes_drawing(runs: Sequence[Run]) -> Drawing | None:
    """A forest plot; None where nothing can be compared.

    Args:
        runs: one with pairs, or two.
    """
    found = forests(runs)
    if not found:
        return None
    (forest,) = found
    return Drawing(
        name="changes",
        title=f"{runs[1].path.name} against {runs[0].path.name}" if runs[1:] else forest.title,
        about=" ".join((_ABOUT, *(f"{note}." for note in forest.notes))),
        panels=(ForestPanel(forest=forest),),
    )
