"""Words and rows that the forms of it share."""

from collections.abc import Iterator, Sequence

from loadstone.model import Noun
from loadstone.pages import talk
from loadstone.pages.figures import Share
from loadstone.pages.summary import (
    AlgorithmFigures,
    Figures,
    KindFigures,
    PagesSummary,
    ProcessFigures,
    Unseen,
    ZramFigures,
)
from loadstone.units import format_bytes

MISSING = "–"
DECILE_NAMES = (*(f"{10 * place} %" for place in range(10)), "≥ page")


class DecileRow(Noun, frozen=True, kw_only=True):
    """One decile: percent of pages and of compressed bytes, here and in the talk."""

    name: str
    pages: float
    talk_pages: float
    bytes: float
    talk_bytes: float
    compress_us: float | None


def decile_rows(figures: Figures) -> list[DecileRow]:
    """The eleven rows, the smallest pages first."""
    return [
        DecileRow(
            name=name,
            pages=100 * figures.page_shares[place],
            talk_pages=talk.PAGE_PERCENT[place],
            bytes=100 * figures.byte_shares[place],
            talk_bytes=talk.BYTE_PERCENT[place],
            compress_us=None if (ns := figures.compress_ns[place]) is None else ns / 1e3,
        )
        for place, name in enumerate(DECILE_NAMES)
    ]


def percent(share: float) -> str:
    """To a hundredth of a percent, as the talk has them."""
    return f"{100 * share:.2f}"


def bounds(share: Share) -> str:
    """A share in percent, with its interval unless all pages were seen."""
    if share.low == share.high:
        return percent(share.share)
    return f"{percent(share.share)} [{percent(share.low)}, {percent(share.high)}]"


def headline(summary: PagesSummary) -> int:
    """The place of the threshold that one figure is shown for: the kernel's own, else the newer."""
    for place, threshold in enumerate(summary.thresholds):
        if threshold.bytes == summary.kernel_threshold_bytes:
            return place
    return len(summary.thresholds) - 1


def head_line(summary: PagesSummary, one: AlgorithmFigures) -> str:
    """What was looked at, and how."""
    seen = sum(process.seen for process in one.processes)
    pages = sum(process.pages for process in one.processes)
    count = len(one.processes)
    words = "1 process" if count == 1 else f"{count} processes"
    return (
        f"{words} on {summary.target}, Linux {summary.kernel}, pages of "
        f"{format_bytes(summary.page_bytes)}, {one.algorithm}: "
        f"{seen:,} of {pages:,} anonymous pages seen"
    )


def threshold_line(summary: PagesSummary) -> str:
    """Which sizes a page is huge from."""
    known = summary.kernel_threshold_bytes
    parts = [
        f"{threshold.bytes} ({threshold.kernels}{', and here' if threshold.bytes == known else ''})"
        for threshold in summary.thresholds
    ]
    return (
        f"ZHP: from {' or '.join(parts)} bytes a page is stored whole; ZMP: from half a page on; "
        "ZSP: below"
    )


def zram_line(zram: ZramFigures, summary: PagesSummary) -> str:
    """What the kernel said of the same pages."""
    user = ", ".join(
        f"{percent(share)} from {threshold.bytes}"
        for share, threshold in zip(zram.user_huge_shares, summary.thresholds, strict=True)
    )
    upper = f" to {zram.least_huge_bytes}" if zram.least_huge_bytes else " on"
    return (
        f"zram of this kernel, the same {zram.pages:,} pages: ZHP {percent(zram.huge_share)} % "
        f"(user space: {user}), {percent(zram.equal_share)} % of the others to the byte as here; "
        f"its own threshold lies from {zram.most_stored_bytes + 1}{upper}"
    )


def notes(summary: PagesSummary, one: AlgorithmFigures) -> Iterator[str]:
    """What to keep in mind: what was not seen, and why."""
    pages = sum(process.pages for process in one.processes)
    seen = sum(process.seen for process in one.processes)
    lost = sum(process.lost for process in one.processes)
    swapped = sum(process.swapped for process in one.processes)
    if seen + lost < pages:
        yield (
            "a random sample; the intervals are of 95 %. --all-pages, --most-pages and "
            "--most-seconds have it larger"
        )
    if lost:
        yield f"{lost:,} pages went away before they were read"
    if swapped:
        yield f"{swapped:,} pages are swapped already: counted, and not read, which would swap in"
    if any(not process.knows_zero_page for process in one.processes):
        yield "pages that are the zero page, which takes no memory, count too: only root sees them"
    if left := sum(process.areas_left_out for process in one.processes):
        yield f"{left:,} areas were not looked at: the time was up (--most-seconds)"
    if left := sum(process.shared_left_out for process in one.processes):
        yield f"{left:,} areas of shared memory were not looked at: there are too many"
    if huge := sum(process.hugetlb_bytes for process in one.processes):
        yield f"{format_bytes(huge)} of hugetlbfs are left out: they are never swapped"
    yield from _not_seen(summary.not_seen)


def _not_seen(unseen: Sequence[Unseen]) -> Iterator[str]:
    """By reason; a remedy stands once."""
    by_reason: dict[tuple[str, str | None], list[Unseen]] = {}
    for one in unseen:
        reason = one.reason.replace(f"/proc/{one.pid}", "/proc/PID")
        by_reason.setdefault((reason, one.remedy), []).append(one)
    for (reason, remedy), several in by_reason.items():
        names = ", ".join(f"{one.name} ({one.pid})" for one in several[:3])
        more = f" and {len(several) - 3} more" if len(several) > 3 else ""
        yield f"not seen: {names}{more}: {reason}" + (f"; {remedy}" if remedy else "")


def figure_headings(summary: PagesSummary) -> tuple[str, ...]:
    """Of the cells of ``figure_cells``."""
    huge = tuple(f"ZHP ≥{threshold.bytes} %" for threshold in summary.thresholds)
    return ("pages", "seen %", *huge, "ZMP %", "ZSP %", "same %", "ratio", "swapped")


def figure_cells(
    summary: PagesSummary,
    counted: ProcessFigures | KindFigures | Sequence[ProcessFigures],
    figures: Figures | None,
) -> tuple[str, ...]:
    """A row's figures; ZMP and the ratio are for the headline's threshold."""
    several = counted if isinstance(counted, Sequence) else (counted,)
    pages = sum(one.pages for one in several)
    seen = f"{100 * sum(one.seen for one in several) / pages:.0f}" if pages else MISSING
    swapped = f"{sum(one.swapped for one in several):,}"
    if figures is None:
        return (f"{pages:,}", seen, *(MISSING,) * (len(summary.thresholds) + 4), swapped)
    huge = figures.huge[headline(summary)]
    return (
        f"{pages:,}",
        seen,
        *(bounds(one.share) for one in figures.huge),
        percent(figures.half.share - huge.share.share),
        percent(1 - figures.half.share),
        percent(figures.same_share),
        f"{huge.ratio:.3f}",
        swapped,
    )


def kind_name(kind: KindFigures) -> str:
    """A kind's name; shared memory says so."""
    return f"shared {kind.name}" if kind.is_shared else kind.name
