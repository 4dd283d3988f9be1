"""Runs and Comparisons next to published figures, as text."""

import math
from collections.abc import Iterator, Sequence

from loadstone.analysis.comparison import Comparison, Effect
from loadstone.analysis.stats import Interval
from loadstone.model import Noun, Run
from loadstone.published.changes import PublishedByLabel, PublishedChange
from loadstone.published.figures import Gain, VsPublished
from loadstone.published.posting import Change, Figure, Posting, Quantity
from loadstone.units import format_bytes_rounded

# Two figures bound a median by nothing that anybody would act on.
_FEWEST = 3
_MANY = 1e5
_NONE = "–"


class PublishedRow(Noun, frozen=True, kw_only=True):
    """A Case next to a published figure of it; a dash where the Run has no such figure."""

    label: str
    what: str
    here: str
    published: str
    share: str
    gain: str
    published_gain: str


class PostingBlock(Noun, frozen=True, kw_only=True):
    """What one posting has of a Run's Cases.

    ``has_figures`` says whether any row has a figure of the Run. ``baselines`` is what
    gains are over, as it was published; without any, there are no gains.
    """

    posting: Posting
    rows: tuple[PublishedRow, ...]
    has_figures: bool
    baselines: tuple[str, ...]


def change_lines(comparison: Comparison, published: PublishedByLabel) -> Iterator[str]:
    """A line for each published change of what was compared."""
    for effect in comparison.effects:
        for one in published.get(effect.label, ()):
            yield _change_line(effect, one)


def hint(found: Sequence[VsPublished]) -> str | None:
    """That a report has more, where there are published figures."""
    labels = {one.label for one in found}
    if not labels:
        return None
    cases = "1 Case has" if len(labels) == 1 else f"{len(labels)} Cases have"
    return f"{cases} published figures in `loadstone report`"


def blocks(run: Run, found: Sequence[VsPublished]) -> list[PostingBlock]:
    """What is found of a Run, posting by posting."""
    postings = {id(one.posting): one.posting for one in found}
    return [
        _block(run, posting, [one for one in found if one.posting is posting])
        for posting in postings.values()
    ]


def _change_line(effect: Effect, one: PublishedChange) -> str:
    posting, change = one.posting, one.change
    here = f"×{_number(effect.ratio)} [{_number(effect.low)}, {_number(effect.high)}]"
    return (
        f"published of {effect.label}: {change.what}, {_change_text(change, one.ratio)}, "
        f"{change.base_is} → {change.new_is}; {posting.who}, {posting.when}, "
        f"on: {posting.device}; here {here}"
    )


def _change_text(change: Change, ratio: float | None) -> str:
    if ratio is None:
        return f"{change.direction}, without a figure"
    if change.base is None or change.new is None:
        return f"×{_number(ratio)}"
    return f"{_quantity(change.base)} → {_quantity(change.new)} (×{_number(ratio)})"


def _block(run: Run, posting: Posting, found: Sequence[VsPublished]) -> PostingBlock:
    return PostingBlock(
        posting=posting,
        rows=tuple(_row(run, one) for one in found),
        has_figures=any(one.measured is not None for one in found),
        baselines=tuple(dict.fromkeys(one.gain.over for one in found if one.gain)),
    )


def _row(run: Run, one: VsPublished) -> PublishedRow:
    gain = one.gain
    return PublishedRow(
        label=one.label,
        what=_what(run, one.figure),
        here=_here(one.measured, one.trials, f" {one.figure.value.unit}"),
        published=_quantity(one.figure.value),
        share=_here(one.share, one.trials, ""),
        gain=_gain(gain),
        published_gain=f"×{_number(gain.published)}" if gain else _NONE,
    )


def _what(run: Run, figure: Figure) -> str:
    """What was published, of how much, and how much it was here where that differs."""
    words = [figure.what + (f" ({figure.note})" if figure.note else "")]
    if figure.size_bytes is not None:
        words.append(format_bytes_rounded(figure.size_bytes))
        size_bytes = run.manifest.environment.facts.get("file.bytes")
        if isinstance(size_bytes, int) and size_bytes != figure.size_bytes:
            words.append(f"{format_bytes_rounded(size_bytes)} here")
    return ", ".join(words)


def _gain(gain: Gain | None) -> str:
    return _NONE if gain is None else f"×{_here(gain.measured, gain.trials, '')}"


def _here(interval: Interval | None, trials: int, unit: str) -> str:
    if interval is None:
        return _NONE
    if trials < _FEWEST:
        return f"{_number(interval.median)}{unit}, too few rounds"
    return f"{_number(interval.median)}{unit} [{_number(interval.low)}, {_number(interval.high)}]"


def _quantity(quantity: Quantity) -> str:
    """To five digits: some postings count nanoseconds."""
    digits = ",.0f" if quantity.value >= _MANY else ",.5g"
    return f"{quantity.value:{digits}} {quantity.unit}"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 999.5 or math.isinf(value) else f"{value:,.0f}"
