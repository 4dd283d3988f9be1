"""Shares of pages and of bytes, with the interval that sampling leaves, and what-ifs."""

import math
from collections.abc import Iterable, Sequence

from loadstone.model import Noun
from loadstone.pages.counts import DECILES, KindCount, PageCount, add_counts, add_kinds
from loadstone.pages.look import ProcessPages

# The 97.5 % quantile of the normal distribution.
_Z = 1.959964
_HALF = DECILES // 2


class Share(Noun, frozen=True, kw_only=True):
    """A share between 0 and 1, and between which bounds it lies at 95 %."""

    share: float
    low: float
    high: float


class Estimate(Noun, frozen=True, kw_only=True):
    """Several processes or kinds together, each counted up from what was seen to all it has.

    All are numbers of pages, of bytes, or ns of compressing. ``deciles`` and ``from_threshold`` are
    (pages, bytes, ns); same-filled pages are in the first decile, as they were in the talk.
    ``sample_sizes`` are of the shares of pages at each threshold and from half a page on: as many
    independent pages would be as sure, without end where every page was seen.
    """

    page_bytes: int
    pages: float
    same: float
    deciles: tuple[tuple[float, float, float], ...]
    from_threshold: tuple[tuple[float, float, float], ...]
    sample_sizes: tuple[float, ...]


class WhatIf(Noun, frozen=True, kw_only=True):
    """Saved-size speed in B/s of compressing: all pages, ZSP first, and ZHP left alone."""

    all_pages: float
    small_first: float
    huge_skipped: float


def own_kinds(look: ProcessPages) -> KindCount:
    """A process's own anonymous memory as one kind."""
    return _together(look, is_shared=False, name="own")


def shared_kinds(look: ProcessPages) -> KindCount:
    """The shared memory that was looked at by a process, as one kind."""
    return _together(look, is_shared=True, name="shared")


def _together(look: ProcessPages, is_shared: bool, name: str) -> KindCount:
    kinds = [kind for kind in look.kinds if kind.is_shared == is_shared]
    if kinds:
        return add_kinds(kinds, name, is_shared)
    none = PageCount(pages=0, bytes=0, ns=0)
    return KindCount(
        name=name,
        is_shared=is_shared,
        present=0,
        swapped=0,
        seen=0,
        lost=0,
        same=none,
        deciles=(none,) * DECILES,
        from_threshold=(),
    )


def estimate(strata: Iterable[KindCount], page_bytes: int) -> Estimate | None:
    """Kinds together, of each of which a random sample was seen; None where nothing was."""
    seen = [kind for kind in strata if kind.seen]
    if not seen:
        return None
    weights = [kind.present / kind.seen for kind in seen]
    pages = float(sum(kind.present for kind in seen))
    thresholds = min(len(kind.from_threshold) for kind in seen)
    huge = [[kind.from_threshold[i].pages for kind in seen] for i in range(thresholds)]
    half = [add_counts(kind.deciles[_HALF:]).pages for kind in seen]
    return Estimate(
        page_bytes=page_bytes,
        pages=pages,
        same=sum(w * kind.same.pages for w, kind in zip(weights, seen, strict=True)),
        deciles=tuple(
            _scaled([_decile(kind, i) for kind in seen], weights) for i in range(DECILES)
        ),
        from_threshold=tuple(
            _scaled([kind.from_threshold[i] for kind in seen], weights) for i in range(thresholds)
        ),
        sample_sizes=tuple(_sample_size(seen, hits) for hits in (*huge, half)),
    )


def _decile(kind: KindCount, place: int) -> PageCount:
    return add_counts([kind.deciles[0], kind.same]) if place == 0 else kind.deciles[place]


def _scaled(counts: Sequence[PageCount], weights: Sequence[float]) -> tuple[float, float, float]:
    pairs = list(zip(weights, counts, strict=True))
    return (
        sum(weight * count.pages for weight, count in pairs),
        sum(weight * count.bytes for weight, count in pairs),
        sum(weight * count.ns for weight, count in pairs),
    )


def _sample_size(seen: Sequence[KindCount], hits: Sequence[int]) -> float:
    """Of a stratified sample without replacement, by the variance of its share.

    Source: Cochran, Sampling Techniques, 1977, 5.6.
    """
    pages = sum(kind.present for kind in seen)
    whole = variance = 0.0
    for kind, hit in zip(seen, hits, strict=True):
        weight = kind.present / pages
        # Of all or of no page in a sample not all or none need be it in the whole.
        share = (hit + 1) / (kind.seen + 2)
        whole += weight * share
        unseen = 1 - kind.seen / kind.present
        variance += weight**2 * share * (1 - share) / kind.seen * unseen
    return whole * (1 - whole) / variance if variance else math.inf


def huge_share(found: Estimate, threshold: int) -> Share:
    """The share of pages of a threshold's size or more, by its place."""
    return _share(found.from_threshold[threshold][0] / found.pages, found.sample_sizes[threshold])


def half_share(found: Estimate) -> Share:
    """The share of pages that take half a page or more: ZHP and ZMP."""
    pages = sum(decile[0] for decile in found.deciles[_HALF:])
    return _share(pages / found.pages, found.sample_sizes[-1])


def _share(share: float, sample_size: float) -> Share:
    """With Wilson's interval."""
    if math.isinf(sample_size):
        return Share(share=share, low=share, high=share)
    scale = 1 + _Z**2 / sample_size
    middle = (share + _Z**2 / (2 * sample_size)) / scale
    spread = share * (1 - share) / sample_size + _Z**2 / (4 * sample_size**2)
    reach = _Z / scale * math.sqrt(spread)
    return Share(share=share, low=max(0.0, middle - reach), high=min(1.0, middle + reach))


def page_shares(found: Estimate) -> tuple[float, ...]:
    """The share of pages in each decile."""
    return tuple(decile[0] / found.pages for decile in found.deciles)


def byte_shares(found: Estimate) -> tuple[float, ...]:
    """The share of compressed bytes in each decile."""
    total = sum(decile[1] for decile in found.deciles) or 1.0
    return tuple(decile[1] / total for decile in found.deciles)


def huge_byte_share(found: Estimate, threshold: int) -> float:
    """The share of compressed bytes in pages of a threshold's size or more."""
    total = sum(decile[1] for decile in found.deciles) or 1.0
    return found.from_threshold[threshold][1] / total


def half_byte_share(found: Estimate) -> float:
    """The share of compressed bytes in pages that take half a page or more."""
    return sum(byte_shares(found)[_HALF:])


def stored_bytes(found: Estimate, threshold: int) -> float:
    """What all pages take: those of the threshold's size or more a whole page."""
    huge_pages, huge_bytes, _ = found.from_threshold[threshold]
    return sum(decile[1] for decile in found.deciles) - huge_bytes + huge_pages * found.page_bytes


def ratio(found: Estimate, threshold: int) -> float:
    """What all pages take, as a share of what they are."""
    return stored_bytes(found, threshold) / (found.pages * found.page_bytes)


def what_if(found: Estimate, threshold: int) -> WhatIf:
    """Saved-size speed: (pages − what they take) ÷ time of compressing, by user-space's clock.

    A page that is left alone is neither compressed nor copied: its time is none.
    """
    saved = found.pages * found.page_bytes - stored_bytes(found, threshold)
    total_ns = sum(decile[2] for decile in found.deciles)
    small = found.deciles[:_HALF]
    small_saved = sum(pages * found.page_bytes - bytes_ for pages, bytes_, _ in small)
    return WhatIf(
        all_pages=_speed(saved, total_ns),
        small_first=_speed(small_saved, sum(decile[2] for decile in small)),
        huge_skipped=_speed(saved, total_ns - found.from_threshold[threshold][2]),
    )


def _speed(saved_bytes: float, elapsed_ns: float) -> float:
    return saved_bytes / elapsed_ns * 1e9 if elapsed_ns > 0 else 0.0
