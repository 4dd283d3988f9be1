"""The ways of loading that `advise` races: few that differ much, and grids around the best."""

from loadstone.model import Value
from loadstone.workloads.entrants import Entrants, Grid, Into

_KIB, _MIB = 1 << 10, 1 << 20

_Choice = dict[str, Value]

_THREADS: _Choice = {"engine": "pread", "io": "direct", "destination": "thp"}


def _uring(destination: str, **more: Value) -> _Choice:
    """Direct, with as much in flight as a fast device takes."""
    return {
        "engine": "uring",
        "destination": destination,
        "block": 512 * _KIB,
        "depth": 32,
        **more,
    }


_MMAP: _Choice = {"engine": "mmap"}
_COPY: _Choice = {"engine": "mmap-copy"}
_READ: _Choice = {"engine": "pread", "io": "buffered"}
_OVERLAP: _Choice = {"overlap": 8 * _MIB}

_MAPPED: tuple[_Choice, ...] = (
    _MMAP,
    _MMAP | {"advice": "populate-read"},
    _MMAP | {"advice": "populate-read", "threads": 2},
)
_OWN: tuple[_Choice, ...] = (
    _COPY,
    _READ,
    _COPY | {"destination": "thp"},
    _READ | {"destination": "thp"},
    _THREADS | {"threads": 4},
    _THREADS | {"threads": 4} | _OVERLAP,
    {"engine": "uring", "destination": "anon"},
    {"engine": "uring", "destination": "thp"},
    _uring("anon", overlap=8 * _MIB),
    _uring("thp"),
    _uring("thp", overlap=8 * _MIB),
    _uring("thp", fixed=True),
    _uring("hugetlb"),
    _uring("hugetlb", overlap=8 * _MIB),
)
_HEAP: _Choice = {"destination": "dma-heap:system"}
_UDMABUF: _Choice = {"destination": "udmabuf"}
_PLAIN_SHARED: tuple[_Choice, ...] = (
    _COPY | _HEAP,
    _READ | _HEAP,
    _COPY | _UDMABUF,
    _READ | _UDMABUF,
)
_SHARED: tuple[_Choice, ...] = (
    *_PLAIN_SHARED,
    {"engine": "sendfile", **_UDMABUF},
    {"engine": "pread", **_UDMABUF, "export": "beside", "buffers": 32},
    _uring("udmabuf", overlap=8 * _MIB),
    _uring("udmabuf-thp"),
    _uring("udmabuf-thp", overlap=8 * _MIB),
    _uring("udmabuf-hugetlb"),
    _uring("udmabuf-hugetlb", overlap=8 * _MIB),
    {"engine": "kernel-fill"},
    _uring("dma-buf"),
)

_IN_FLIGHT: tuple[_Choice, ...] = tuple(
    {"block": block, "depth": depth}
    for block, depth in (
        (512 * _KIB, 32),
        (_MIB, 8),
        (_MIB, 32),
        (4 * _MIB, 8),
        (256 * _KIB, 32),
    )
)
_OVERLAPS: tuple[_Choice, ...] = tuple({"overlap": size * _MIB} for size in (8, 0, 2, 32))
_RINGS: tuple[_Choice, ...] = ({"threads": 1}, {"threads": 2})


def _around(destination: str, *more: tuple[_Choice, ...]) -> Grid:
    base: _Choice = {"engine": "uring", "destination": destination}
    return Grid(base=base, axes=(_IN_FLIGHT, _OVERLAPS, *more))


_OWN_GRIDS = (
    _around("thp", _RINGS),
    _around("hugetlb"),
    _around("anon"),
    Grid(
        base=_THREADS,
        axes=(
            tuple({"threads": threads} for threads in (4, 2, 8)),
            tuple({"block": block} for block in (_MIB, 512 * _KIB, 4 * _MIB)),
            _OVERLAPS[:2],
        ),
    ),
)
_SHARED_GRIDS = tuple(map(_around, ("udmabuf", "udmabuf-thp", "udmabuf-hugetlb")))

_CEILINGS: tuple[_Choice, ...] = (
    {"engine": "uring", "destination": "reused", "block": 4 * _MIB, "depth": 8},
    _uring("reused"),
    {"engine": "pread", "destination": "reused", "threads": 8},
)
_FINALS: tuple[_Choice, ...] = ({"again": True}, {"pressure": 512 * _MIB})


def entrants(into: Into) -> Entrants:
    """The ways into that sort of memory.

    A mapping is no memory of the loader's own, and no accelerator's: it is held against the
    winner, and wins only where any memory does.
    """
    own, shared = into is not Into.DMA_BUF, into is not Into.ANON
    mapped = _MAPPED if into is Into.ANY else ()
    return Entrants(
        first=(*mapped, *(_OWN if own else ()), *(_SHARED if shared else ())),
        plain=(_MMAP, *((_COPY, _READ) if own else _PLAIN_SHARED)),
        ceilings=_CEILINGS,
        grids=(*(_OWN_GRIDS if own else ()), *(_SHARED_GRIDS if shared else ())),
        finals=_FINALS,
    )
