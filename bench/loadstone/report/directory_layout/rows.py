"""Words and rows that the forms of it share."""

from collections.abc import Iterator

from loadstone.layout import talk
from loadstone.layout.inline import InlineFigures
from loadstone.layout.layouts import AlgorithmLayouts, Layout
from loadstone.layout.survey import LayoutSummary
from loadstone.units import format_bytes_rounded

MISSING = "–"
HEADINGS = (
    "stored",
    "of data %",
    "to f2fs 16KiB",
    "image",
    "random 4 KiB",
    "sequential",
)
INLINE_HEADINGS = ("blocks", "change", "of")


def head_line(summary: LayoutSummary) -> str:
    """What was looked at."""
    where = ", ".join(summary.paths)
    data = format_bytes_rounded(summary.file_bytes - summary.hole_bytes)
    return (
        f"{where}: {_count(summary.files, 'file')} with {data} in {summary.data_blocks:,} blocks "
        f"of 4 KiB, {_count(summary.directories, 'directory', 'directories')}"
    )


def layout_cells(layout: Layout) -> tuple[str, ...]:
    """A row's figures, beneath ``HEADINGS``."""
    image = MISSING if layout.image_bytes is None else format_bytes_rounded(layout.image_bytes)
    return (
        format_bytes_rounded(layout.stored_bytes),
        f"{100 * layout.ratio:.2f}",
        _change(layout.change),
        image,
        _times(layout.random_amplification),
        _times(layout.sequential_amplification),
    )


def inline_rows(inline: InlineFigures) -> Iterator[tuple[str, ...]]:
    """What inline data and inline tail save, beneath a name and ``INLINE_HEADINGS``."""
    all_blocks = "inodes and data"
    yield (
        "inline data",
        f"{inline.inline_data_blocks:,}",
        _change(inline.inline_data_change),
        all_blocks,
    )
    yield (
        "inline tail",
        f"{inline.inline_tail_blocks:,}",
        _change(inline.inline_tail_change),
        f"{all_blocks}, with inline data",
    )
    yield (
        "both",
        f"{inline.inline_data_blocks + inline.inline_tail_blocks:,}",
        _change(inline.both_change),
        all_blocks,
    )


def inline_line() -> str:
    """Whose figure it is set beside."""
    return (
        f"published of inline tail, for a Linux tree: about {talk.INLINE_TAIL_PERCENT} % "
        "(Bo Wu, vivo); a file of 3453 bytes to 68 KiB saves a block where its last part has at "
        "most 3428 bytes"
    )


def published_line() -> str:
    """What is published of dynamic clusters."""
    return (
        f"published of dynamic clusters: up to {talk.DYNAMIC_CLUSTER_PERCENT} % (Yangtao Li, vivo)"
    )


def node_line(one: AlgorithmLayouts) -> str:
    """By what it was compressed, and what is saved of addresses."""
    return (
        f"by {one.library}; node blocks of F2FS for addresses: {one.node_blocks:,}; with one "
        f"address for a segment: {one.segment_node_blocks:,}"
    )


def meaning_lines() -> Iterator[str]:
    """What the columns are."""
    yield (
        "random 4 KiB: bytes read ÷ asked, each block by itself and nothing kept; sequential: in "
        "windows of 128 KiB, for each of which F2FS reads a cluster again"
    )
    yield (
        "dynamic-cluster, fixed-block and fixed-segment are proposals: no kernel has them, and "
        "what reading them costs is computed"
    )


def notes(summary: LayoutSummary) -> Iterator[str]:
    """What was left out, and why."""
    for unseen in summary.unseen:
        yield f"left out: {unseen.count:,} × {unseen.reason}, such as {unseen.example}"
    if summary.hole_bytes:
        yield f"holes of {format_bytes_rounded(summary.hole_bytes)} take nothing in all of it"
    if summary.hard_links:
        yield f"{_count(summary.hard_links, 'further name')} of files that count once"
    if summary.mount_points_left_out:
        yield f"{_count(summary.mount_points_left_out, 'other file system')} mounted there left out"
    if summary.algorithms:
        yield (
            "an EROFS image is as mkfs.erofs makes it with -T, without extended attributes; "
            f"uncompressed it has {format_bytes_rounded(summary.erofs_uncompressed_bytes)}"
        )


def _count(number: int, one: str, several: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def _change(change: float) -> str:
    return f"{100 * change:+.2f} %"


def _times(amplification: float | None) -> str:
    return MISSING if amplification is None else f"{amplification:.2f}"
