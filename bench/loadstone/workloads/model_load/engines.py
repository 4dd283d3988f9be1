"""The engines of model-load: what each can write into, and which parameters it uses."""

from collections.abc import Mapping

from loadstone.core.explain import skipped
from loadstone.model import Finding, Noun, Value

BUFFERED = "buffered"
DIRECT = "direct"
DONTCACHE = "dontcache"
MAPPING = "mapping"
HEAP = "dma-heap"
DMA_BUF = "dma-buf"
REUSED = "reused"

AFTER = "after"
BESIDE = "beside"
BEFORE = "before"

UDMABUF_HUGETLB = "udmabuf-hugetlb"
_UDMABUFS = ("udmabuf", "udmabuf-thp", UDMABUF_HUGETLB)
_MEMORY = ("anon", "thp", "hugetlb")
_MEMFDS = ("memfd", "memfd-thp", "memfd-hugetlb", *_UDMABUFS)
_ANYTHING = (*_MEMORY, *_MEMFDS, HEAP, DMA_BUF)
_FILES = (*_MEMFDS, HEAP)

DESTINATIONS = (MAPPING, *_MEMORY, *_MEMFDS, DMA_BUF, REUSED, f"{HEAP}:NAME")
"""All that some engine writes into."""

_DEFAULT_HEAP = f"{HEAP}:system"


class Engine(Noun, frozen=True, kw_only=True):
    """How bytes travel.

    ``destinations`` are those that it can write into, its default first; ``io`` is its default;
    ``uses`` lists those of ``WITHOUT_MEANING`` that it has a use for; ``takes_dontcache`` says
    that it can read with RWF_DONTCACHE.
    """

    destinations: tuple[str, ...]
    uses: frozenset[str] = frozenset()
    io: str = BUFFERED
    maps_file: bool = False
    takes_dontcache: bool = False

    @property
    def default_destination(self) -> str:
        """As a Case writes it."""
        first = self.destinations[0]
        return _DEFAULT_HEAP if first == HEAP else first


_CHUNKS = frozenset({"overlap", "buffers"})

ENGINES: Mapping[str, Engine] = {
    "pread": Engine(
        destinations=(*_ANYTHING, REUSED),
        io=DIRECT,
        uses=_CHUNKS | {"threads"},
        takes_dontcache=True,
    ),
    "uring": Engine(
        destinations=(*_ANYTHING, REUSED),
        io=DIRECT,
        uses=_CHUNKS | {"threads", "depth", "fixed", "poll"},
        takes_dontcache=True,
    ),
    "mmap": Engine(destinations=(MAPPING,), maps_file=True, uses=frozenset({"threads", "advice"})),
    "mmap-copy": Engine(
        destinations=_ANYTHING, maps_file=True, uses=_CHUNKS | {"threads", "advice"}
    ),
    "sendfile": Engine(destinations=_FILES, uses=_CHUNKS),
    "splice": Engine(destinations=_FILES, uses=_CHUNKS | {"threads"}),
    "copy-range": Engine(destinations=_FILES, uses=_CHUNKS | {"threads"}),
    "kernel-fill": Engine(destinations=(DMA_BUF,), io=DIRECT, uses=_CHUNKS | {"depth", "fill"}),
    "heap-alloc-and-read": Engine(destinations=(HEAP,), io=DIRECT),
    "heap-alloc-file": Engine(destinations=(HEAP,), io=DIRECT),
    "dmabuf-rw-file": Engine(destinations=(HEAP,), io=DIRECT, uses=_CHUNKS),
}
"""By the core's names; the last three are posted ioctls of vendor kernels."""

WITHOUT_MEANING: Mapping[str, Value] = {
    "depth": 1,
    "fixed": False,
    "poll": "none",
    "advice": "none",
    "threads": 1,
    "overlap": 0,
    "fill": "overlapped",
    "buffers": 1,
}
"""Parameters that some engines have no use for, and what they are set to there."""


WITHOUT_MODEL: Mapping[str, Value] = {"overlap": 0, "buffers": 1, "verify": "off"}
"""Parameters that have no meaning where nothing is loaded, into ``REUSED``, and what they are."""


def is_exported(parameters: Mapping[str, Value]) -> bool:
    """Whether a dma-buf is made of the memory: then there is a time to do so."""
    return parameters["destination"] in _UDMABUFS


def default_export(parameters: Mapping[str, Value]) -> str:
    """With ``overlap`` each buffer is exported when its memory is there, and others read."""
    return BESIDE if parameters["overlap"] and is_exported(parameters) else AFTER


def mismatch(parameters: Mapping[str, Value]) -> Finding | None:
    """Why no machine could do this, or None."""
    name, kind = str(parameters["engine"]), str(parameters["destination"]).split(":")[0]
    engine = ENGINES[name]
    if kind not in engine.destinations:
        return skipped(
            f"engine {name} cannot fill destination {kind}",
            f"--set destination={engine.default_destination}; it takes "
            f"{', '.join(engine.destinations)}",
        )
    if engine.maps_file and parameters["io"] == DIRECT:
        return skipped(
            f"engine {name} goes through the page cache: there is no direct mapping",
            f"--set io={BUFFERED}",
        )
    if parameters["io"] == DONTCACHE and not engine.takes_dontcache:
        able = " or ".join(name for name, one in ENGINES.items() if one.takes_dontcache)
        return skipped(
            f"engine {name} has no way to say RWF_DONTCACHE",
            f"--set engine={able}, or --set io={BUFFERED}",
        )
    return _harm(parameters)


def _harm(parameters: Mapping[str, Value]) -> Finding | None:
    """What is not tried anywhere, as a kernel that cannot do it is harmed by the attempt.

    On Linux 7.3.4 UDMABUF_CREATE answers ENOMEM where a page of hugetlbfs is faulted in meanwhile,
    and HugePages_Rsvd falls below 0: until the next boot no udmabuf gets such a page that is not
    there already.
    """
    faults_beside = parameters.get("export") == BESIDE and not parameters["overlap"]
    if parameters["destination"] != UDMABUF_HUGETLB or not faults_beside:
        return None
    return skipped(
        "UDMABUF_CREATE beside faults on the same pages of hugetlbfs: Linux 7.3 loses count of its "
        "reserved huge pages by it, until it is booted again",
        f"--set export={AFTER} or {BEFORE}; or --set overlap=32m, which makes the dma-buf beside "
        "the reads of pages that are there",
    )
