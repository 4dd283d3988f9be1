"""What was seen of processes that are not there."""

from collections.abc import Mapping, Sequence

from loadstone.pages.counts import DECILES, KindCount, PageCount, ZramCount
from loadstone.pages.look import Algorithm, Bounds, NotSeen, ProcessPages
from loadstone.pages.processes import Process
from loadstone.pages.survey import Survey

LZ4, ZSTD = Algorithm(name="lz4"), Algorithm(name="zstd", level=3)
NONE = PageCount(pages=0, bytes=0, ns=0)


def count(pages: int, page_bytes: int = 0, page_ns: int = 1000) -> PageCount:
    """Pages that each become so many bytes in so long."""
    return PageCount(pages=pages, bytes=pages * page_bytes, ns=pages * page_ns)


def kind_of(
    name: str = "anon",
    by_decile: Mapping[int, int] | None = None,
    *,
    is_shared: bool = False,
    same: int = 0,
    present: int | None = None,
    swapped: int = 0,
    lost: int = 0,
) -> KindCount:
    """A kind with so many pages in each decile, each in its middle; from 80 % on they are huge."""
    pages = by_decile or {}
    deciles = tuple(
        count(pages.get(place, 0), min(4096, 205 + 410 * place)) for place in range(DECILES)
    )
    huge = [one for place, one in enumerate(deciles) if place >= 8]
    whole = PageCount(
        pages=sum(one.pages for one in huge),
        bytes=sum(one.bytes for one in huge),
        ns=sum(one.ns for one in huge),
    )
    seen = same + sum(pages.values())
    return KindCount(
        name=name,
        is_shared=is_shared,
        present=seen + lost if present is None else present,
        swapped=swapped,
        seen=seen,
        lost=lost,
        same=count(same, 0, 100),
        deciles=deciles,
        from_threshold=(whole, whole),
    )


def process_of(pid: int, name: str = "some") -> Process:
    return Process(
        pid=pid, name=name, command=f"/bin/{name}", start_ticks=1, parent=1, has_memory=True
    )


def pages_of(
    pid: int,
    kinds: Sequence[KindCount],
    *,
    name: str = "some",
    algorithm: Algorithm = LZ4,
    zram: ZramCount | None = None,
    areas_left_out: int = 0,
    knows_zero_page: bool = True,
) -> ProcessPages:
    return ProcessPages(
        process=process_of(pid, name),
        algorithm=algorithm,
        page_bytes=4096,
        kinds=tuple(kinds),
        anonymous_bytes=0,
        swapped_bytes=0,
        hugetlb_bytes=0,
        areas_left_out=areas_left_out,
        shared_left_out=0,
        uses_pagemap_scan=True,
        knows_zero_page=knows_zero_page,
        elapsed_ns=1,
        read_ns=1,
        zram=zram,
    )


def survey_of(
    seen: Sequence[ProcessPages],
    not_seen: Sequence[NotSeen] = (),
    algorithms: Sequence[Algorithm] = (LZ4,),
) -> Survey:
    return Survey(
        target="local",
        kernel="6.1.0",
        page_bytes=4096,
        thresholds=(3257, 3625),
        bounds=Bounds(),
        algorithms=tuple(algorithms),
        seen=tuple(seen),
        not_seen=tuple(not_seen),
    )
