"""What a race says, as text for a terminal."""

import math
from collections.abc import Iterator, Sequence

from rich.console import Console

from loadstone.analysis.advice import Ability, Advice, Against, Ending, LeftOut, WayFound
from loadstone.analysis.race import SAME
from loadstone.analysis.stats import Interval
from loadstone.model import Status
from loadstone.plan.advised import parameter_words
from loadstone.plan.request import DEFAULT_WORKLOAD
from loadstone.report.table import print_wrapped
from loadstone.text import printable
from loadstone.units import format_bytes_rounded, format_metric, format_share
from loadstone.workloads import workload

_MOST_RIVALS = 8
# Intervals of fewer say nothing that anybody would act on.
_FEWEST = 4
_MINUTE_S = 60
_LONG_MINUTES = 240


def print_advice(advice: Advice, out: Console, has_reasons: bool = True) -> None:
    """The way to take and all that is said of it.

    Args:
        has_reasons: whether to say why ways failed or are not there; else something else does.
    """
    for text, indent in advice_lines(advice, has_reasons):
        print_wrapped(out, printable(text), indent, indent + 2)


def advice_lines(advice: Advice, has_reasons: bool) -> Iterator[tuple[str, int]]:
    """The same, each line with how far it is indented."""
    yield from _lines(advice)
    if has_reasons:
        yield from _abilities(advice)
        yield from _left_out(advice)
    yield _raced(advice), 0


def _lines(advice: Advice) -> Iterator[tuple[str, int]]:
    size = "" if advice.file_bytes is None else f" ({format_bytes_rounded(advice.file_bytes)})"
    what = f"for {advice.file or 'a file that was made'}{size}"
    if advice.best is None:
        is_early = advice.ending is Ending.EARLY
        yield f"no advice: no way {'was measured in time' if is_early else 'can be measured'}", 0
        yield what, 2
        if is_early:
            yield f"give it more --budget; `loadstone resume {advice.run}` goes on", 0
        return
    yield f"advice: {advice.best.label}", 0
    yield what, 2
    yield parameter_words(workload(DEFAULT_WORKLOAD), advice.best.parameters), 2
    yield _speed(advice, advice.best), 2
    yield _costs(advice.best), 2
    yield from _sureness(advice)
    if advice.plain:
        yield "against the plain ways:", 0
        yield from _held(advice, advice.plain)
    if advice.rivals:
        count = len(advice.rivals)
        yield f"not shown to be slower ({count}), the nearest first:", 0
        yield from _held(advice, advice.rivals[:_MOST_RIVALS])
        if count > _MOST_RIVALS:
            yield f"and {count - _MOST_RIVALS} more", 2
    if advice.finals:
        yield "under other conditions:", 0
        yield from ((f"{way.label}: {_figure(advice, way)}", 2) for way in advice.finals)


def _speed(advice: Advice, best: WayFound) -> str:
    text = _figure(advice, best)
    if advice.share is None or advice.ceiling is None:
        return f"{text}; what the device can do could not be measured"
    share = advice.share
    bounds = f" [{share.low:.0%}, {share.high:.0%}]" if best.rounds >= _FEWEST else ""
    return (
        f"{text}: {share.median:.0%} of what the device can do{bounds} "
        f"({_figure(advice, advice.ceiling)}, by "
        f"{advice.ceiling.label})"
    )


def _figure(advice: Advice, way: WayFound) -> str:
    figure = way.figure
    low, middle, high = (
        format_metric(value, advice.unit) for value in (figure.low, figure.median, figure.high)
    )
    unit = "GB/s" if advice.unit == "B/s" else advice.unit
    if way.rounds < _FEWEST:
        return f"{middle} {unit} in {_count(way.rounds, 'round')}"
    return f"{middle} {unit} [{low}, {high}]"


def _costs(best: WayFound) -> str:
    cpu = "unknown" if best.cpu_per_gb is None else f"{best.cpu_per_gb:.3f} s/GB"
    return (
        f"memory beyond the model {_size(best.memory_bytes)} at most, left in the page cache "
        f"{_size(best.cached_bytes)}, CPU {cpu}"
    )


def _size(size: float | None) -> str:
    return "unknown" if size is None or size < 0 else format_bytes_rounded(size)


def _sureness(advice: Advice) -> Iterator[tuple[str, int]]:
    """How far it can be relied on, and what would tell more."""
    if advice.leads is not None:
        leads = advice.leads
        yield (
            f"it is plainer than what leads, and can't be told from it: {leads.other.label}, "
            f"× {_inverse(leads)}",
            0,
        )
    if advice.ending is Ending.DECIDED:
        if advice.rivals:
            yield f"what else is left is no more than {format_share(SAME)} faster", 0
        return
    why = "time was over, or it was cut off" if advice.ending is Ending.EARLY else "rounds ran out"
    what = "which is fastest is not decided" if advice.rivals else "it was seen too few times"
    yield f"not done: {why} after {_count(advice.rounds, 'round')}; {what}", 0
    if advice.slower == 0 and advice.rounds:
        yield "nothing can be told apart from anything else so far", 0
    if advice.ending is Ending.EARLY:
        yield f"`loadstone resume {advice.run}` goes on{_more(advice.more_s)}", 0


def _more(more_s: float | None) -> str:
    if more_s is None:
        return ""
    minutes = math.ceil(more_s / _MINUTE_S)
    if minutes > _LONG_MINUTES:
        return ", but figures are so far apart here that it would take hours to tell more"
    return f"; with {_count(minutes, 'minute')} more the rest is likely told apart"


def _held(advice: Advice, others: Sequence[Against]) -> Iterator[tuple[str, int]]:
    for one in others:
        yield (
            f"× {_ratio(one.ahead, one.rounds)} {one.other.label}, {_figure(advice, one.other)}",
            2,
        )


def _ratio(found: Interval, rounds: int) -> str:
    if rounds < _FEWEST:
        return f"{found.median:.2f}"
    return f"{found.median:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _inverse(found: Against) -> str:
    ahead = found.ahead
    turned = Interval(1 / ahead.median, 1 / ahead.high, 1 / max(ahead.low, 1e-9))
    return _ratio(turned, found.rounds)


def _left_out(advice: Advice) -> Iterator[tuple[str, int]]:
    for one in advice.failed:
        yield f"failed, and so out: {one.label}: {one.reason}{_remedy(one)}", 0
    for status, words in ((Status.SKIPPED, "not to be had here"), (Status.INVALID, "invalid")):
        reasons: dict[tuple[str, str], list[str]] = {}
        for one in advice.absent:
            if one.status is status:
                reasons.setdefault((one.reason, _remedy(one)), []).append(one.label)
        for (reason, remedy), labels in reasons.items():
            yield f"{words} ({_count(len(labels), 'way')}): {reason}{remedy}", 0


def _abilities(advice: Advice) -> Iterator[tuple[str, int]]:
    there = [one.name for one in advice.abilities if one.is_there]
    if there:
        yield f"this file takes {' and '.join(there)} here", 0
    for one in advice.abilities:
        if not one.is_there:
            yield f"this file does not take {one.name} here: {one.reason}{_remedy(one)}", 0


def _remedy(one: LeftOut | Ability) -> str:
    return f" → {one.remedy}" if one.remedy else ""


def _raced(advice: Advice) -> str:
    return (
        f"{_count(advice.entered, 'way')}, {_count(advice.rounds, 'round')}, "
        f"{_count(advice.trials, 'Trial')}; {advice.slower} shown to be slower"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
