"""A Survey in figures: for each algorithm the whole, each process, and each kind of memory."""

from collections.abc import Iterable, Sequence

from loadstone.model import Noun
from loadstone.pages.counts import DECILES, KindCount, add_counts
from loadstone.pages.figures import (
    Estimate,
    Share,
    WhatIf,
    byte_shares,
    estimate,
    half_byte_share,
    half_share,
    huge_byte_share,
    huge_share,
    own_kinds,
    page_shares,
    ratio,
    shared_kinds,
    what_if,
)
from loadstone.pages.look import ProcessPages
from loadstone.pages.survey import Survey
from loadstone.pages.thresholds import Threshold, thresholds_of

_NEAR_BYTES = 16


class HugeFigures(Noun, frozen=True, kw_only=True):
    """What follows where pages from one compressed size on are stored whole.

    ``byte_share`` is of compressed bytes; ``ratio`` is what all pages take, ZHP a whole page.
    """

    threshold_bytes: int
    share: Share
    byte_share: float
    ratio: float
    saved_bytes_per_second: WhatIf


class Figures(Noun, frozen=True, kw_only=True):
    """Some memory in figures, counted up from the pages seen.

    The lists are by decile of the compressed size; ``compress_ns`` is a page's mean, None where
    there is no page. ``half`` is ZHP and ZMP together, so that ZSP is the rest.
    """

    pages: int
    same_share: float
    huge: tuple[HugeFigures, ...]
    half: Share
    half_byte_share: float
    page_shares: tuple[float, ...]
    byte_shares: tuple[float, ...]
    compress_ns: tuple[float | None, ...]


class KindFigures(Noun, frozen=True, kw_only=True):
    """One kind of memory; ``figures`` is None where none of its pages was seen."""

    name: str
    is_shared: bool
    pages: int
    swapped: int
    seen: int
    lost: int
    figures: Figures | None


class ProcessFigures(Noun, frozen=True, kw_only=True):
    """One process: its own anonymous pages, and each kind, shared memory too."""

    pid: int
    name: str
    command: str
    pages: int
    swapped: int
    seen: int
    lost: int
    hugetlb_bytes: int
    areas_left_out: int
    shared_left_out: int
    knows_zero_page: bool
    elapsed_ns: int
    figures: Figures | None
    kinds: tuple[KindFigures, ...]


class ZramFigures(Noun, frozen=True, kw_only=True):
    """What the kernel's zram made of the pages seen, beside user space.

    ``equal_share`` is of the pages that are not huge, ``user_huge_shares`` are by threshold. The
    kernel's own is above ``most_stored_bytes`` and at most ``least_huge_bytes`` (0: no page was
    huge); ``threshold_bytes`` is the one that fits, None where none or several do.
    """

    pages: int
    equal_share: float
    same_share: float
    huge_share: float
    user_huge_shares: tuple[float, ...]
    page_shares: tuple[float, ...]
    most_stored_bytes: int
    least_huge_bytes: int
    threshold_bytes: int | None


class AlgorithmFigures(Noun, frozen=True, kw_only=True):
    """All that one algorithm made of the processes.

    ``own`` is their own anonymous memory together, ``shared`` what they share, each once.
    """

    algorithm: str
    own: Figures | None
    shared: Figures | None
    kinds: tuple[KindFigures, ...]
    processes: tuple[ProcessFigures, ...]
    zram: ZramFigures | None


class Unseen(Noun, frozen=True, kw_only=True):
    """A process that could not be looked at."""

    pid: int
    name: str
    reason: str
    remedy: str | None


class PagesSummary(Noun, frozen=True, kw_only=True):
    """What ``loadstone pages`` found; ``thresholds`` are those that the figures are for."""

    target: str
    kernel: str
    page_bytes: int
    most_pages: int | None
    most_s: float
    seed: int
    thresholds: tuple[Threshold, ...]
    kernel_threshold_bytes: int | None
    algorithms: tuple[AlgorithmFigures, ...]
    not_seen: tuple[Unseen, ...]


def summarise_pages(survey: Survey) -> PagesSummary:
    """A Survey in figures."""
    algorithms = tuple(
        _of_algorithm(algorithm.label, survey.by(algorithm), survey)
        for algorithm in survey.algorithms
        if survey.by(algorithm)
    )
    probed = (one.zram.threshold_bytes for one in algorithms if one.zram)
    unseen = {one.process.pid: one for one in survey.not_seen}
    return PagesSummary(
        target=survey.target,
        kernel=survey.kernel,
        page_bytes=survey.page_bytes,
        most_pages=survey.bounds.most_pages,
        most_s=survey.bounds.most_s,
        seed=survey.bounds.seed,
        thresholds=thresholds_of(survey.page_bytes),
        kernel_threshold_bytes=next((size for size in probed if size is not None), None),
        algorithms=algorithms,
        not_seen=tuple(
            Unseen(pid=pid, name=one.process.name, reason=one.reason, remedy=one.remedy)
            for pid, one in unseen.items()
        ),
    )


def _of_algorithm(label: str, looks: Sequence[ProcessPages], survey: Survey) -> AlgorithmFigures:
    size = survey.page_bytes
    return AlgorithmFigures(
        algorithm=label,
        own=_figures(map(own_kinds, looks), size, survey.thresholds),
        shared=_figures(map(shared_kinds, looks), size, survey.thresholds),
        kinds=_kinds(looks, size, survey.thresholds),
        processes=tuple(_of_process(look, survey.thresholds) for look in looks),
        zram=_zram(looks, survey.thresholds),
    )


def _of_process(look: ProcessPages, thresholds: Sequence[int]) -> ProcessFigures:
    own = own_kinds(look)
    return ProcessFigures(
        pid=look.process.pid,
        name=look.process.name,
        command=look.process.command,
        pages=own.present,
        swapped=own.swapped,
        seen=own.seen,
        lost=own.lost,
        hugetlb_bytes=look.hugetlb_bytes,
        areas_left_out=look.areas_left_out,
        shared_left_out=look.shared_left_out,
        knows_zero_page=look.knows_zero_page,
        elapsed_ns=look.elapsed_ns,
        figures=_figures([own], look.page_bytes, thresholds),
        kinds=_kinds([look], look.page_bytes, thresholds),
    )


def _kinds(
    looks: Iterable[ProcessPages], page_bytes: int, thresholds: Sequence[int]
) -> tuple[KindFigures, ...]:
    """Those of all processes by name, the largest first."""
    by_name: dict[tuple[bool, str], list[KindCount]] = {}
    for look in looks:
        for kind in look.kinds:
            by_name.setdefault((kind.is_shared, kind.name), []).append(kind)
    found = [
        KindFigures(
            name=name,
            is_shared=is_shared,
            pages=sum(kind.present for kind in kinds),
            swapped=sum(kind.swapped for kind in kinds),
            seen=sum(kind.seen for kind in kinds),
            lost=sum(kind.lost for kind in kinds),
            figures=_figures(kinds, page_bytes, thresholds),
        )
        for (is_shared, name), kinds in by_name.items()
    ]
    return tuple(sorted(found, key=lambda kind: (kind.is_shared, -kind.pages, kind.name)))


def _figures(
    strata: Iterable[KindCount], page_bytes: int, thresholds: Sequence[int]
) -> Figures | None:
    found = estimate(strata, page_bytes)
    if found is None:
        return None
    return Figures(
        pages=round(found.pages),
        same_share=found.same / found.pages,
        huge=tuple(_huge(found, place, size) for place, size in enumerate(thresholds)),
        half=half_share(found),
        half_byte_share=half_byte_share(found),
        page_shares=page_shares(found),
        byte_shares=byte_shares(found),
        compress_ns=tuple(ns / pages if pages else None for pages, _, ns in found.deciles),
    )


def _huge(found: Estimate, place: int, threshold_bytes: int) -> HugeFigures:
    return HugeFigures(
        threshold_bytes=threshold_bytes,
        share=huge_share(found, place),
        byte_share=huge_byte_share(found, place),
        ratio=ratio(found, place),
        saved_bytes_per_second=what_if(found, place),
    )


def _zram(looks: Sequence[ProcessPages], thresholds: Sequence[int]) -> ZramFigures | None:
    counts = [look.zram for look in looks if look.zram is not None]
    pages = sum(count.seen for count in counts)
    if not pages:
        return None
    kinds = [kind for look in looks for kind in look.kinds if kind.seen]
    most_stored = max(count.most_stored_bytes for count in counts)
    least_huge = min((one.least_huge_bytes for one in counts if one.least_huge_bytes), default=0)
    same = add_counts([count.same for count in counts]).pages
    deciles = [add_counts([one.deciles[i] for one in counts]).pages for i in range(DECILES)]
    deciles[0] += same
    huge = add_counts([count.huge for count in counts]).pages
    return ZramFigures(
        pages=pages,
        equal_share=sum(count.equal for count in counts) / ((pages - huge) or 1),
        same_share=same / pages,
        huge_share=huge / pages,
        user_huge_shares=tuple(
            sum(kind.from_threshold[place].pages for kind in kinds) / pages
            for place in range(len(thresholds))
        ),
        page_shares=tuple(decile / pages for decile in deciles),
        most_stored_bytes=most_stored,
        least_huge_bytes=least_huge,
        threshold_bytes=_fitting(thresholds, most_stored, least_huge),
    )


def _fitting(thresholds: Sequence[int], most_stored: int, least_huge: int) -> int | None:
    """The only one between the two; user space's size of a page may be off by some bytes."""
    fitting = [
        size for size in thresholds if most_stored < size and size - _NEAR_BYTES <= least_huge
    ]
    return fitting[0] if len(fitting) == 1 else None
