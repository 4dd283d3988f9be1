"""The table of a Run as plain text, cell by cell."""

from collections.abc import Sequence

from loadstone.analysis.comparison import Effect, Verdict
from loadstone.analysis.explanation import counter_words
from loadstone.analysis.stats import Interval
from loadstone.analysis.summary import CaseSummary
from loadstone.model import Column, Metric, Noun, Run
from loadstone.report.hints import primary
from loadstone.report.scale import format_ns
from loadstone.units import format_bytes_rounded, format_metric
from loadstone.workloads import workloads

# Two figures bound a median by nothing that anybody would act on.
_FEWEST = 3
_SHOWN_UNITS = {"B/s": "GB/s", "ns": "ms"}


class CounterRow(Noun, frozen=True, kw_only=True):
    """One line of the evidence: a counter and its median in each Case, as text."""

    name: str
    medians: tuple[str, ...]


def unit_of(metric: Metric) -> str:
    """The unit that ``format_metric`` writes a metric in."""
    return _SHOWN_UNITS.get(metric.unit, metric.unit)


def measured(run: Run, summaries: Sequence[CaseSummary]) -> list[CaseSummary]:
    """The Cases that have a figure to be ranked by, best first."""
    return [summary for summary in summaries if primary(run, summary)]


def headline(run: Run, summary: CaseSummary) -> str:
    """The median that Cases are ranked by, with its unit; the Case must be one of ``measured``."""
    metric, interval = run.manifest.metrics[0], primary(run, summary)
    assert interval is not None
    return f"{format_metric(interval.median, metric.unit)} {unit_of(metric)}"


def rivals(run: Run, ranked: Sequence[CaseSummary]) -> tuple[str, ...]:
    """Labels of the Cases whose intervals overlap with that of the first."""
    best = primary(run, ranked[0])
    others = ((summary, primary(run, summary)) for summary in ranked[1:])
    return tuple(
        summary.case.label
        for summary, other in others
        if best and other and other.low <= best.high and other.high >= best.low
    )


def is_ranked(run: Run) -> bool:
    """Whether it makes sense to name the fastest of the Run's Cases."""
    chosen = workloads().get(run.manifest.plan.workload)
    if chosen is None:
        # Jobs of fio differ in what they do.
        return not run.manifest.environment.is_imported
    return chosen.is_ranked


def headings(run: Run) -> tuple[str, ...]:
    """What stands above ``cells``."""
    return (
        unit_of(run.manifest.metrics[0]),
        "95 % interval",
        *(column.heading for column in _columns(run)),
        "trials",
    )


def cells(run: Run, summary: CaseSummary) -> tuple[str, ...]:
    """A Case's figures; the Case must be one of ``measured``."""
    metric, interval = run.manifest.metrics[0], primary(run, summary)
    assert interval is not None
    return (
        format_metric(interval.median, metric.unit),
        bounds(interval, metric) if has_interval(summary) else "too few rounds",
        *(_cell(_figure(run, summary, column.name), column.unit) for column in _columns(run)),
        str(summary.trials),
    )


def has_interval(summary: CaseSummary) -> bool:
    """Whether there are rounds enough for an interval that says something."""
    return summary.trials >= _FEWEST


def bounds(interval: Interval, metric: Metric) -> str:
    """The interval's ends, in the unit of ``unit_of``."""
    return (
        f"{format_metric(interval.low, metric.unit)} – {format_metric(interval.high, metric.unit)}"
    )


def notes(summary: CaseSummary) -> tuple[str, ...]:
    """What to keep in mind about a Case's figures."""
    counts = ((summary.invalid, "invalid left out"), (summary.failed, "failed"))
    return (*summary.notes, *(f"{count} {words}" for count, words in counts if count))


def counters(summaries: Sequence[CaseSummary]) -> tuple[list[CounterRow], int]:
    """The evidence of some Cases, and how many counters were left out as they stayed at zero."""
    names = sorted({name for summary in summaries for name in summary.evidence})
    moved = [name for name in names if any(summary.evidence.get(name) for summary in summaries)]
    rows = [
        CounterRow(
            name=name,
            medians=tuple(
                format_counter(name, summary.evidence.get(name)) for summary in summaries
            ),
        )
        for name in moved
    ]
    return rows, len(names) - len(moved)


def _figure(run: Run, summary: CaseSummary, name: str) -> float | None:
    """A metric of the Run's is no counter: a Case of another Workload may have one of that name."""
    is_metric = any(metric.name == name for metric in run.manifest.metrics)
    return None if is_metric and name not in summary.metrics else figure_of(summary, name)


def _columns(run: Run) -> tuple[Column, ...]:
    """Those of the Run's Workload; of one that is not known here, the metrics of the Run."""
    chosen = workloads().get(run.manifest.plan.workload)
    if chosen is not None:
        return chosen.columns
    return tuple(
        Column(heading=f"{metric.name} {unit_of(metric)}", name=metric.name, unit=metric.unit)
        for metric in run.manifest.metrics[1:]
    )


def figure_of(summary: CaseSummary, name: str) -> float | None:
    """A Case's median of a metric, of a counter of the evidence, or of ``busy_ns``."""
    if name in summary.metrics:
        return summary.metrics[name].median
    return summary.busy_ns if name == "busy_ns" else summary.evidence.get(name)


def _cell(value: float | None, unit: str) -> str:
    if value is None or value < 0:
        return "unknown"
    return format_metric(value, unit)


def format_counter(name: str, value: float | None) -> str:
    """A counter's value in the unit that its name ends with."""
    if value is None:
        return "–"
    if value < 0:
        return "unknown"
    if name.endswith("_bytes"):
        return format_bytes_rounded(value)
    if name.endswith("_ns"):
        return format_ns(value)
    if name.endswith("_ms"):
        return f"{value:,g} ms"
    if name.endswith("_mc"):
        return f"{value / 1000:.1f} °C"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def moved_counters(effect: Effect) -> list[str]:
    """The counters that moved with an effect, in the field's words."""
    return [
        f"{counter_words(name)} {format_counter(name, base)} → {format_counter(name, new)}"
        for name, (base, new) in effect.evidence.items()
    ]


def meaning(effect: Effect) -> str | None:
    """What its counters mean; of a difference without any, that nothing explains it."""
    if effect.cause or effect.evidence:
        return effect.cause
    is_called = effect.verdict in (Verdict.FASTER, Verdict.SLOWER)
    return "nothing recorded explains it" if is_called else None
