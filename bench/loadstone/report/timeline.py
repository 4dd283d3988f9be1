"""Time lines: what every thread of one Trial did, and when."""

from collections.abc import Mapping, Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import Metric, Noun, Span, Trial
from loadstone.report.hints import primary
from loadstone.report.lanes import Lane, colours_of, lanes_of
from loadstone.report.scale import Axis, axis_to, format_ns
from loadstone.report.strips import ReportedRun
from loadstone.result_names import READY_NS, RELEASE_SPAN

# The shortest time line is at least this part of the longest, or each has a scale of its own.
_SHORTEST = 1 / 8
_BREAK = 0.02


class Total(Noun, frozen=True, kw_only=True):
    """The sum of the spans of one name over all lanes."""

    name: str
    colour: str
    text: str


class Timeline(Noun, frozen=True, kw_only=True):
    """One Trial: lanes on an axis, ``height`` in px.

    ``ready`` and ``cut`` are in percent of the axis: the end of the metric ``ready_ns``, and
    where untimed work before the release was left out.
    """

    label: str
    round: int
    axis: Axis
    height: int
    lanes: tuple[Lane, ...]
    totals: tuple[Total, ...]
    busy_text: str
    ready: float | None
    ready_text: str | None
    cut: float | None


class _Drawing(Noun, frozen=True, kw_only=True):
    summary: CaseSummary
    trial: Trial
    spans: tuple[Span, ...]
    cut_ns: int | None

    @property
    def end_ns(self) -> int:
        return max(span.end_ns for span in self.spans)


def timelines(entry: ReportedRun) -> tuple[list[Timeline], bool]:
    """The time line of every measured Case's most median Trial, best Case first.

    Returns:
        The time lines, and whether they share one scale; they don't where the slowest would
        squeeze the fastest.
    """
    found = (_drawing(entry, summary) for summary in entry.cases)
    drawings = [drawing for drawing in found if drawing]
    ends_ns = [drawing.end_ns for drawing in drawings]
    is_shared = bool(ends_ns) and min(ends_ns) >= _SHORTEST * max(ends_ns)
    colours = colours_of(span for drawing in drawings for span in drawing.spans)
    return [
        _timeline(drawing, max(ends_ns) if is_shared else drawing.end_ns, colours)
        for drawing in drawings
    ], is_shared


def most_median(trials: Sequence[Trial], metric: Metric, median: float) -> Trial | None:
    """The Trial whose figure is nearest to the median; the earliest of equals."""
    figured = (trial for trial in trials if metric.name in trial.metrics)
    return min(figured, key=lambda trial: abs(trial.metrics[metric.name] - median), default=None)


def _drawing(entry: ReportedRun, summary: CaseSummary) -> _Drawing | None:
    interval = primary(entry.run, summary)
    assert interval is not None
    trials = [trial for trial in entry.counted[summary.case.id] if trial.spans]
    trial = most_median(trials, entry.run.manifest.metrics[0], interval.median)
    if trial is None:
        return None
    spans, cut_ns = _without_untimed_gap(trial)
    return _Drawing(summary=summary, trial=trial, spans=spans, cut_ns=cut_ns)


def _without_untimed_gap(trial: Trial) -> tuple[tuple[Span, ...], int | None]:
    """The spans, the release right after the rest: what lies between (verification) is untimed.

    Returns:
        The spans, and the time in ns where something was left out, if so.
    """
    untimed = tuple(span for span in trial.spans if span.name == RELEASE_SPAN)
    timed = tuple(span for span in trial.spans if span.name != RELEASE_SPAN)
    if not untimed or not timed:
        return trial.spans, None
    ready_ns = max(int(trial.metrics.get(READY_NS, 0)), *(span.end_ns for span in timed))
    break_ns = int(ready_ns * _BREAK)
    gap_ns = min(span.start_ns for span in untimed) - ready_ns - break_ns
    if gap_ns <= 0:
        return trial.spans, None
    return timed + tuple(_earlier(span, gap_ns) for span in untimed), ready_ns + break_ns // 2


def _earlier(span: Span, by_ns: int) -> Span:
    return Span(
        name=span.name,
        lane=span.lane,
        start_ns=span.start_ns - by_ns,
        end_ns=span.end_ns - by_ns,
    )


def _timeline(drawing: _Drawing, end_ns: int, colours: Mapping[str, str]) -> Timeline:
    axis = axis_to(end_ns, "ns", ticks=8)
    ready_ns = drawing.trial.metrics.get(READY_NS)
    lanes = lanes_of(drawing.spans, axis, colours)
    return Timeline(
        label=drawing.summary.case.label,
        round=drawing.trial.round + 1,
        axis=axis,
        height=lanes[-1].y + lanes[-1].height,
        lanes=lanes,
        totals=_totals(drawing.spans, colours),
        busy_text=format_ns(sum(_length_ns(s) for s in drawing.spans if s.name != RELEASE_SPAN)),
        ready=None if ready_ns is None else axis.at(ready_ns),
        ready_text=None if ready_ns is None else format_ns(ready_ns),
        cut=None if drawing.cut_ns is None else axis.at(drawing.cut_ns),
    )


def _totals(spans: Sequence[Span], colours: Mapping[str, str]) -> tuple[Total, ...]:
    sums_ns: dict[str, int] = {}
    for span in sorted(spans, key=lambda span: span.start_ns):
        sums_ns[span.name] = sums_ns.get(span.name, 0) + _length_ns(span)
    return tuple(
        Total(name=name, colour=colours[name], text=format_ns(sum_ns))
        for name, sum_ns in sums_ns.items()
    )


def _length_ns(span: Span) -> int:
    return span.end_ns - span.start_ns
