"""model-load: how long until a model file is in memory that an accelerator can use."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.core.explain import skipped
from loadstone.model import (
    Better,
    Case,
    Column,
    Finding,
    Input,
    Kind,
    Metric,
    Parameter,
    Value,
)
from loadstone.provision.journal import Journal
from loadstone.provision.model_file import model_file
from loadstone.targets import Say, Target
from loadstone.units import format_bytes
from loadstone.workloads.model_load.errors import RULES
from loadstone.workloads.model_load.trials import PreparedLoad

_TRANSFERS = ("sendfile", "splice", "copy-range")
_HEAP_IOCTLS = ("heap-alloc-and-read", "heap-alloc-file", "dmabuf-rw-file")
_MAPPERS = ("mmap", "mmap-copy")
_MEMFDS = ("memfd", "memfd-hugetlb", "udmabuf")
_MEMORY = ("anon", "thp", "hugetlb")

# What an engine can write into; the first is its default.
_DESTINATIONS = {
    "pread": (*_MEMORY, *_MEMFDS, "dma-heap"),
    "uring": (*_MEMORY, *_MEMFDS, "dma-heap"),
    "mmap": ("mapping",),
    "mmap-copy": (*_MEMORY, *_MEMFDS, "dma-heap"),
    **dict.fromkeys(_TRANSFERS, (*_MEMFDS, "dma-heap")),
    **dict.fromkeys(_HEAP_IOCTLS, ("dma-heap",)),
}
_DIRECT_BY_DEFAULT = ("pread", "uring", *_HEAP_IOCTLS)

# Parameters that only some engines heed; beside the others they fall back to this value.
_SELECTIVE: Mapping[str, tuple[Value, tuple[str, ...]]] = {
    "depth": (1, ("uring",)),
    "fixed": (False, ("uring",)),
    "poll": ("none", ("uring",)),
    "advice": ("none", _MAPPERS),
    "threads": (1, ("pread", "uring", "mmap", "mmap-copy", "splice", "copy-range")),
    "overlap": (0, ("pread", "uring", "mmap-copy", *_TRANSFERS, "dmabuf-rw-file")),
    "buffers": (1, ("pread", "uring", "mmap-copy", *_TRANSFERS, "dmabuf-rw-file")),
}

_PARAMETERS = (
    Parameter(
        name="engine",
        kind=Kind.CHOICE,
        default="uring",
        choices=tuple(_DESTINATIONS),
        help="how bytes travel; the last three are posted ioctls of vendor kernels",
    ),
    Parameter(
        name="io",
        kind=Kind.CHOICE,
        choices=("buffered", "direct"),
        help="through the page cache, or O_DIRECT around it "
        "[direct for pread, uring and the ioctls, else buffered]",
    ),
    Parameter(
        name="destination",
        kind=Kind.CHOICE,
        choices=("mapping", *_MEMORY, *_MEMFDS, "dma-heap:NAME"),
        help="the memory read into [anon; memfd for sendfile, splice, copy-range; "
        "mapping (the file's own) for mmap; dma-heap:system for the ioctls]",
    ),
    Parameter(
        name="block",
        kind=Kind.SIZE,
        default=1 << 20,
        minimum=512,
        help="bytes of one read",
    ),
    Parameter(
        name="depth", kind=Kind.COUNT, default=8, minimum=1, help="reads in flight a ring (uring)"
    ),
    Parameter(
        name="threads", kind=Kind.COUNT, default=1, minimum=1, help="reader threads, a ring each"
    ),
    Parameter(
        name="buffers",
        kind=Kind.COUNT,
        default=1,
        minimum=1,
        help="destination buffers that the file is spread over",
    ),
    Parameter(
        name="overlap",
        kind=Kind.SIZE,
        default=0,
        help="allocate and fault a chunk of this size while the one before is read; 0: off",
    ),
    Parameter(
        name="fixed", kind=Kind.FLAG, default=False, help="registered buffers and file (uring)"
    ),
    Parameter(
        name="poll",
        kind=Kind.CHOICE,
        default="none",
        choices=("none", "sq", "io", "sq+io"),
        help="IORING_SETUP_SQPOLL, IORING_SETUP_IOPOLL (uring)",
    ),
    Parameter(
        name="advice",
        kind=Kind.CHOICE,
        default="none",
        choices=("none", "populate", "willneed", "populate-read"),
        help="MAP_POPULATE, MADV_WILLNEED, MADV_POPULATE_READ (mmap, mmap-copy)",
    ),
    Parameter(
        name="cache",
        kind=Kind.CHOICE,
        default="cold",
        choices=("cold", "warm", "as-is"),
        help="page cache before the Trial: gone and proven gone, resident and proven so, or as is",
    ),
    Parameter(
        name="verify",
        kind=Kind.CHOICE,
        default="full",
        choices=("full", "sampled", "off"),
        help="CRC-32C of what arrived: every MiB, every 16th, none",
    ),
)

_METRICS = (
    Metric(name="throughput", unit="B/s", better=Better.HIGHER),
    Metric(name="ready_ns", unit="ns", better=Better.LOWER),
    Metric(name="first_byte_ns", unit="ns", better=Better.LOWER),
    Metric(name="cpu_per_gb", unit="s/GB", better=Better.LOWER),
    Metric(name="release_ns", unit="ns", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="ready ms", name="ready_ns", unit="ns"),
    Column(heading="busy ms", name="busy_ns", unit="ns"),
    Column(heading="CPU s/GB", name="cpu_per_gb", unit="s/GB"),
    Column(heading="faults", name="minor_faults", unit="count"),
    Column(heading="left in cache", name="cached_after_bytes", unit="B"),
)

_DEFAULT_CASES: tuple[Mapping[str, Value], ...] = (
    {"engine": "mmap-copy"},
    {"engine": "mmap"},
    {"engine": "mmap", "advice": "populate-read"},
    {"engine": "pread", "io": "buffered"},
    {"engine": "pread"},
    {"engine": "sendfile"},
    {"engine": "uring"},
    {"engine": "uring", "destination": "thp", "fixed": True},
    {"engine": "uring", "destination": "thp", "overlap": 32 << 20},
    {"engine": "uring", "destination": "memfd", "overlap": 32 << 20},
    {"engine": "uring", "destination": "udmabuf", "buffers": 32, "overlap": 32 << 20},
    {"engine": "pread", "io": "buffered", "destination": "dma-heap:system"},
)


class ModelLoad:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "model-load"
    summary = "read a model file into memory that an accelerator can use"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    rules = RULES
    is_ranked = True

    def devices(self, input: Input, cases: Sequence[Case]) -> tuple[int, ...]:
        del input, cases
        return ()

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return _DEFAULT_CASES

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        engine = str(chosen.get("engine", "uring"))
        parameters: dict[str, Value] = {
            parameter.name: chosen.get(parameter.name, parameter.default)
            if parameter.default is not None
            else chosen.get(parameter.name, _dependent_default(parameter.name, engine))
            for parameter in _PARAMETERS
        }
        remarks = []
        for name, (fallback, engines) in _SELECTIVE.items():
            if engine not in engines:
                if name in chosen and chosen[name] != fallback:
                    remarks.append(f"{name} has no meaning for engine {engine}: left out there")
                parameters[name] = fallback
        return parameters, remarks

    def label(self, parameters: Mapping[str, Value]) -> str:
        words = [_engine_words(parameters)]
        if parameters["destination"] != "mapping":
            words.append(f"→ {parameters['destination']}")
        words.append(_block_words(parameters))
        words += [
            f"{parameters[name]} {name}" for name in ("threads", "buffers") if parameters[name] != 1
        ]
        if parameters["overlap"]:
            words.append(f"overlap {format_bytes(int(parameters['overlap']))}")
        words += [
            word
            for word, is_there in (
                ("fixed", parameters["fixed"]),
                (f"poll {parameters['poll']}", parameters["poll"] != "none"),
                (f"{parameters['cache']}", parameters["cache"] != "cold"),
                (f"verify {parameters['verify']}", parameters["verify"] != "full"),
            )
            if is_there
        ]
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedLoad]:
        del cases
        with model_file(target, input, journal, say) as file:
            yield PreparedLoad(target, input, file, _mismatch)


def _dependent_default(name: str, engine: str) -> Value:
    if name == "io":
        return "direct" if engine in _DIRECT_BY_DEFAULT else "buffered"
    first = _DESTINATIONS[engine][0]
    return "dma-heap:system" if first == "dma-heap" else first


def _engine_words(parameters: Mapping[str, Value]) -> str:
    engine = str(parameters["engine"])
    if parameters["advice"] != "none":
        engine = f"{engine} {parameters['advice']}"
    if engine.startswith(_MAPPERS):
        return engine if parameters["io"] == "buffered" else f"{engine} {parameters['io']}"
    return f"{engine} {parameters['io']}"


def _block_words(parameters: Mapping[str, Value]) -> str:
    block = format_bytes(int(parameters["block"]))
    return f"{block}×{parameters['depth']}" if parameters["engine"] == "uring" else block


def _mismatch(parameters: Mapping[str, Value]) -> Finding | None:
    engine, kind = str(parameters["engine"]), str(parameters["destination"]).split(":")[0]
    fitting = _DESTINATIONS[engine]
    if kind not in fitting:
        return skipped(
            f"engine {engine} cannot fill destination {kind}",
            f"it takes {', '.join(fitting)}",
        )
    if engine in _MAPPERS and parameters["io"] == "direct":
        return skipped(
            f"engine {engine} goes through the page cache: there is no direct mapping",
            "--set io=buffered",
        )
    return None


WORKLOAD = ModelLoad()
