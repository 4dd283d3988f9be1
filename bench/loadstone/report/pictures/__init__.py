"""Pictures of a Run as SVG: each is a Drawing, made of a Run, that is drawn in any width."""

from collections.abc import Mapping, Sequence

from loadstone.core.histogram import merge
from loadstone.model import Histogram, Run, Trial
from loadstone.report.pictures.course import course_drawing
from loadstone.report.pictures.drawing import Drawing
from loadstone.report.pictures.latencies import latency_drawing
from loadstone.report.pictures.of_cases import case_drawing
from loadstone.report.strips import ReportedRun, reported


def drawings_of(run: Run) -> tuple[Drawing, ...]:
    """All pictures that there are of a Run; ``svg_of`` in ``pictures.layout`` makes each a file."""
    entry = reported(run)
    found = (
        case_drawing(entry),
        course_drawing(entry),
        latency_drawing(entry.cases, merged_latencies(entry)),
    )
    return tuple(drawing for drawing in found if drawing is not None)


def merged_latencies(entry: ReportedRun) -> Mapping[str, Mapping[str, Histogram]]:
    """All operations of the Trials that count: by Case id, then by the operation's name."""
    return {one.case.id: _merged(entry.counted[one.case.id]) for one in entry.cases}


def _merged(trials: Sequence[Trial]) -> dict[str, Histogram]:
    by_name: dict[str, list[Histogram]] = {}
    for trial in trials:
        for histogram in trial.histograms:
            by_name.setdefault(histogram.name, []).append(histogram)
    merged = ((name, merge(histograms)) for name, histograms in by_name.items())
    return {name: one for name, one in merged if one is not None and one.count}
