"""Where the time goes: a time line of the most median Trial of each Case."""

from loadstone.report.pictures.drawing import Drawing, LanesPanel
from loadstone.report.strips import ReportedRun
from loadstone.report.timeline import timelines

# More of them are no picture any more; a report has all.
_MOST = 24


def timelines_drawing(entry: ReportedRun) -> Drawing | None:
    """A panel for each of the best Cases; None where no Trial has spans."""
    lines, is_shared = timelines(entry)
    if not lines:
        return None
    shown = lines[:_MOST]
    about = ["The Trial nearest to each Case's median."]
    about.append("All on one scale." if is_shared else "Each on a scale of its own.")
    if len(shown) < len(lines):
        about.append(f"The first {len(shown)} of {len(lines)} Cases.")
    if any(line.ready is not None for line in shown):
        about.append("Solid line: the model is ready.")
    if any(line.cut is not None for line in shown):
        about.append("Dashed line: verification, which is not timed, is left out there.")
    return Drawing(
        name="timelines",
        title="Where the time goes",
        about=" ".join(about),
        panels=tuple(LanesPanel(timeline=line) for line in shown),
    )
