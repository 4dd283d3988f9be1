"""What was counted of a process, as the core counts it."""

from collections.abc import Iterable, Mapping, Sequence

from loadstone.model import Noun

DECILES = 11
"""By compressed size in tenths of a page: below 10 %, …, below 100 %, and a page or more."""


class PageCount(Noun, frozen=True, kw_only=True):
    """Pages, what they compress to (each at most a page), and the time that it took."""

    pages: int
    bytes: int
    ns: int


class KindCount(Noun, frozen=True, kw_only=True):
    """One sort of memory of a process, by the name of its areas.

    Pages ``present`` were found; those ``seen`` were read and compressed, and those ``lost`` went
    away before; ``swapped`` ones were only counted. ``same`` are filled with one word, and in none
    of the ``deciles``. ``from_threshold`` are the pages of that compressed size or more.
    """

    name: str
    is_shared: bool
    present: int
    swapped: int
    seen: int
    lost: int
    same: PageCount
    deciles: tuple[PageCount, ...]
    from_threshold: tuple[PageCount, ...]


class ZramCount(Noun, frozen=True, kw_only=True):
    """What the kernel's zram made of the same pages.

    ``equal`` are those pages that are not huge and have the size that user space found; of a huge
    one the kernel tells no size. The kernel's ``huge_class_size`` is above
    ``most_stored_bytes``, the largest page that it did not store whole, and at most
    ``least_huge_bytes``, what user space made of the smallest that it did (0: there was none).
    """

    seen: int
    equal: int
    same: PageCount
    deciles: tuple[PageCount, ...]
    huge: PageCount
    most_stored_bytes: int
    least_huge_bytes: int


def add_kinds(kinds: Iterable[KindCount], name: str, is_shared: bool) -> KindCount:
    """Several kinds as one."""
    several = tuple(kinds)
    return KindCount(
        name=name,
        is_shared=is_shared,
        present=sum(kind.present for kind in several),
        swapped=sum(kind.swapped for kind in several),
        seen=sum(kind.seen for kind in several),
        lost=sum(kind.lost for kind in several),
        same=add_counts([kind.same for kind in several]),
        deciles=_add_each([kind.deciles for kind in several]),
        from_threshold=_add_each([kind.from_threshold for kind in several]),
    )


def add_counts(counts: Sequence[PageCount]) -> PageCount:
    """Several counts as one."""
    return PageCount(
        pages=sum(count.pages for count in counts),
        bytes=sum(count.bytes for count in counts),
        ns=sum(count.ns for count in counts),
    )


def _add_each(rows: Sequence[Sequence[PageCount]]) -> tuple[PageCount, ...]:
    return tuple(add_counts(column) for column in zip(*rows, strict=True))


def parse_kinds(text: str, thresholds: int) -> tuple[KindCount, ...]:
    """The lines of the core's answer, without that of zram; see op_process_pages.c."""
    lines = (line.split(" ", maxsplit=_fields(thresholds)) for line in text.splitlines())
    return tuple(_kind(words, thresholds) for words in lines if words[0] != "zram")


def parse_zram(text: str, values: Mapping[str, int]) -> ZramCount | None:
    """What the kernel made of the pages, where they were written to a device."""
    line = next((line for line in text.splitlines() if line.startswith("zram ")), None)
    if line is None:
        return None
    kind = _kind(line.split(" ", maxsplit=_fields(1)), 1)
    return ZramCount(
        seen=kind.seen,
        equal=values["zram_equal_pages"],
        same=kind.same,
        deciles=kind.deciles,
        huge=kind.from_threshold[0],
        most_stored_bytes=values["zram_most_stored_bytes"],
        least_huge_bytes=values["zram_least_huge_bytes"],
    )


def _fields(thresholds: int) -> int:
    """How many words there are before the name."""
    return 1 + 4 + 3 * (1 + DECILES + thresholds)


def _kind(words: Sequence[str], thresholds: int) -> KindCount:
    word, *numbers, name = words
    present, swapped, seen, lost, *rest = map(int, numbers)
    counts = tuple(
        PageCount(pages=rest[i], bytes=rest[i + 1], ns=rest[i + 2]) for i in range(0, len(rest), 3)
    )
    assert len(counts) == 1 + DECILES + thresholds, words
    return KindCount(
        name=name,
        is_shared=word == "shared",
        present=present,
        swapped=swapped,
        seen=seen,
        lost=lost,
        same=counts[0],
        deciles=counts[1 : 1 + DECILES],
        from_threshold=counts[1 + DECILES :],
    )
