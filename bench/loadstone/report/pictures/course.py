"""How a Trial of each Case went, on common axes: a panel for each series that a Workload names."""

from collections.abc import Mapping, Sequence

from loadstone.model import Column, Curves, Trial
from loadstone.report.bars import bar_text
from loadstone.report.curves import shown_trial
from loadstone.report.pictures.drawing import Drawing, Key, Line, Mark, XYPanel, heading_of
from loadstone.report.scale import Axis, Tick, axis_to
from loadstone.report.strips import ReportedRun
from loadstone.workloads import workloads

_MARGIN = 1.06
_SHARES = (0, 25, 50, 75, 100)


def course_drawing(entry: ReportedRun) -> Drawing | None:
    """The curves that the Run's Workload names; None where it names none, or no Trial has one."""
    chosen = workloads().get(entry.run.manifest.plan.workload)
    if chosen is None or chosen.curves is None:
        return None
    trials = {one.case.label: shown_trial(entry, one) for one in entry.cases}
    with_series = {label: trial for label, trial in trials.items() if trial and trial.series}
    found = (_panel(column, chosen.curves, with_series) for column in chosen.curves.columns)
    panels = tuple(panel for panel in found if panel)
    if not panels:
        return None
    return Drawing(
        name="course",
        title="How it went",
        about=f"The most median Trial of each Case, from left to right in {chosen.curves.about}"
        + ("; what is right of the line was timed." if chosen.curves.timed_from else "."),
        panels=panels,
        keys=tuple(Key(text=label, series=place) for place, label in enumerate(with_series)),
    )


def _panel(column: Column, curves: Curves, trials: Mapping[str, Trial]) -> XYPanel | None:
    series = [trial.series.get(column.name, ()) for trial in trials.values()]
    if not any(series):
        return None
    axis = axis_to(_MARGIN * max(max(values) for values in series if values), column.unit, ticks=5)
    labels = tuple(trials)
    return XYPanel(
        heading=heading_of(column, axis),
        x_heading=f"{curves.about}, %",
        x=Axis(
            end=100,
            unit="%",
            ticks=tuple(Tick(label=str(share), at=float(share)) for share in _SHARES),
        ),
        y=axis,
        lines=tuple(
            _line(place, f"{labels[place]}: {column.heading}", values, column.unit)
            for place, values in enumerate(series)
            if values
        ),
        timed_from=100 * curves.timed_from or None,
    )


def _line(place: int, words: str, values: Sequence[float], unit: str) -> Line:
    width = 100 / len(values)
    return Line(
        series=place,
        marks=tuple(
            Mark(x=(part + 0.5) * width, y=value, title=f"{words} {bar_text(value, unit)}")
            for part, value in enumerate(values)
        ),
    )
