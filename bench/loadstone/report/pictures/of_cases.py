"""The picture that a Workload names, made of a Run's Cases: lines, bars or points."""

from loadstone.analysis.summary import CaseSummary
from loadstone.model import Value
from loadstone.report.pictures.drawing import Drawing
from loadstone.report.pictures.grouping import axes_of, numeric
from loadstone.report.pictures.lines import line_drawing
from loadstone.report.pictures.points import point_drawing
from loadstone.report.pictures.rows import row_drawing
from loadstone.report.strips import ReportedRun
from loadstone.workloads import workloads


def case_drawing(entry: ReportedRun) -> Drawing | None:
    """The picture that the Run's Workload names; None where it names none, or lacks figures."""
    chosen = workloads().get(entry.run.manifest.plan.workload)
    if chosen is None or chosen.picture is None:
        return None
    picture = chosen.picture
    places = {case.id: place for place, case in enumerate(entry.run.manifest.plan.cases)}
    cases = sorted(entry.cases, key=lambda summary: places[summary.case.id])
    if picture.x.name not in {one.name for one in chosen.parameters}:
        return point_drawing(chosen, picture, cases)
    if numeric(chosen, picture.x.name):
        return line_drawing(chosen, picture, [c for c in cases if _number(c, picture.x.name)])
    return row_drawing(chosen, picture, [c for c in cases if _value(c, picture.x.name) is not None])


def _value(summary: CaseSummary, name: str) -> Value | None:
    """A Case of another Loadstone may lack the parameter."""
    return axes_of(summary).get(name)


def _number(summary: CaseSummary, name: str) -> bool:
    return isinstance(_value(summary, name), int)
