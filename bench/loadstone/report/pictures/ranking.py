"""The figure that a Run's Cases are ranked by, as bars with their intervals."""

from loadstone.analysis.summary import CaseSummary
from loadstone.model import Metric, Run
from loadstone.report.figures import bounds, has_interval, headline, is_ranked
from loadstone.report.hints import primary
from loadstone.report.pictures.drawing import Bar, BarPanel, BarRow, Drawing
from loadstone.report.scale import axis_to
from loadstone.report.strips import ReportedRun

_MARGIN = 1.06
# Intervals of very few values reach far out; the bars are to stay readable.
_MOST_BEYOND_BARS = 1.5


def ranking_drawing(entry: ReportedRun) -> Drawing | None:
    """A bar for each Case; None where none has figures."""
    if not entry.cases:
        return None
    metric = entry.run.manifest.metrics[0]
    intervals = [interval for one in entry.cases if (interval := primary(entry.run, one))]
    most = max(interval.median for interval in intervals)
    high = min(max(interval.high for interval in intervals), _MOST_BEYOND_BARS * most)
    axis = axis_to(_MARGIN * high, metric.unit)
    panel = BarPanel(
        heading=f"{metric.name}, {axis.unit}; {metric.better.value} is better",
        x=axis,
        rows=tuple(
            BarRow(label=one.case.label, bars=(_bar(entry.run, metric, one),))
            for one in entry.cases
        ),
    )
    return Drawing(
        name="figures",
        title=f"{entry.run.manifest.plan.workload}: {metric.name}",
        about=f"Medians{', best first' if is_ranked(entry.run) else ''}. Whiskers: their 95 % "
        "intervals.",
        panels=(panel,),
    )


def _bar(run: Run, metric: Metric, summary: CaseSummary) -> Bar:
    interval = primary(run, summary)
    assert interval is not None, "it is one of those measured"
    text = headline(run, summary)
    is_known = has_interval(summary)
    return Bar(
        series=0,
        value=interval.median,
        text=text,
        title=f"{summary.case.label}: {text}"
        + (f", 95 % interval {bounds(interval, metric)}" if is_known else ""),
        ends=(interval.low, interval.high) if is_known else None,
    )
