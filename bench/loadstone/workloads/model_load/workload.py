"""model-load: how long until a model file is in memory that an accelerator can use."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.model import (
    Better,
    Case,
    Column,
    Curves,
    Input,
    Kind,
    Metric,
    Parameter,
    Picture,
    Value,
)
from loadstone.provision.journal import Journal
from loadstone.provision.model_file import model_file
from loadstone.targets import Say, Target
from loadstone.units import format_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.model_load.engines import (
    AFTER,
    BEFORE,
    BESIDE,
    BUFFERED,
    DESTINATIONS,
    DIRECT,
    DONTCACHE,
    ENGINES,
    MAPPING,
    REUSED,
    WITHOUT_MEANING,
    WITHOUT_MODEL,
    default_export,
    is_exported,
)
from loadstone.workloads.model_load.entrants import entrants
from loadstone.workloads.model_load.errors import RULES
from loadstone.workloads.model_load.images import IMAGES, NO_IMAGE, images_of, stored_models
from loadstone.workloads.model_load.pressure import held_pressure
from loadstone.workloads.model_load.trials import OPERATION, SET_UP_PARAMETERS, PreparedLoad

_DEFAULT_ENGINE = "uring"

_PARAMETERS = (
    Parameter(
        name="engine",
        kind=Kind.CHOICE,
        default=_DEFAULT_ENGINE,
        choices=tuple(ENGINES),
        help="how bytes travel; the last three are posted ioctls of vendor kernels",
    ),
    Parameter(
        name="io",
        kind=Kind.CHOICE,
        choices=(BUFFERED, DIRECT, DONTCACHE),
        help="through the page cache, O_DIRECT around it, or through it and out of it at once "
        "(RWF_DONTCACHE; pread, uring) "
        "[direct for pread, uring, kernel-fill and the ioctls, else and from an image buffered]",
    ),
    Parameter(
        name="destination",
        kind=Kind.CHOICE,
        choices=DESTINATIONS,
        help="the memory read into [anon; memfd for sendfile, splice, copy-range; "
        "mapping (the file's own) for mmap; dma-buf (of the module in native/kernel) for "
        "kernel-fill; dma-heap:system for the ioctls]; reused: a small buffer again and again: "
        "nothing is loaded, and what the device can do is shown (pread, uring)",
    ),
    Parameter(
        name="export",
        kind=Kind.CHOICE,
        choices=(AFTER, BESIDE, BEFORE),
        is_added=True,
        help="when UDMABUF_CREATE makes the dma-buf: when all is read, by a thread while others "
        "read, or before the first read [after; beside with overlap]",
    ),
    Parameter(
        name="block",
        kind=Kind.SIZE,
        default=1 << 20,
        minimum=512,
        help="bytes of one read",
    ),
    Parameter(
        name="depth",
        kind=Kind.COUNT,
        default=8,
        minimum=1,
        help="reads in flight: of each ring (uring), of a buffer (kernel-fill)",
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
        help="allocate and fault a chunk of this size while the one before is read; 0: off "
        "(kernel-fill: what is allocated before it is read; 0: a block)",
    ),
    Parameter(
        name="fill",
        kind=Kind.CHOICE,
        default="overlapped",
        choices=("serial", "overlapped", "async"),
        is_added=True,
        help="read after allocating, by a worker meanwhile, or by requests sent in between "
        "(kernel-fill)",
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
        name="pressure",
        kind=Kind.SIZE,
        default=0,
        is_added=True,
        help="memory held and touched meanwhile, in a control group with no room for a cache; 0: "
        "none",
    ),
    Parameter(
        name="again",
        kind=Kind.FLAG,
        default=False,
        is_added=True,
        help="time the second of two loads, with nothing dropped between",
    ),
    Parameter(
        name="image",
        kind=Kind.CHOICE,
        default=NO_IMAGE,
        choices=(NO_IMAGE, *IMAGES),
        is_added=True,
        help="load a copy in a file system of its own, as it is or by lz4 in clusters of a size; a "
        "model that is made for it is a text",
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
    {"engine": "pread", "destination": "udmabuf", "export": BESIDE, "buffers": 32},
    {"engine": "pread", "io": "buffered", "destination": "dma-heap:system"},
)


class ModelLoad:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "model-load"
    summary = "read a model file into memory that an accelerator can use"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars: tuple[Column, ...] = ()
    curves: Curves | None = None
    picture: Picture | None = None
    rules = RULES
    operation = OPERATION
    set_up_parameters = SET_UP_PARAMETERS
    is_ranked = True
    companion = shared.NO_COMPANION
    entrants = staticmethod(entrants)
    devices = staticmethod(shared.no_devices)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return _DEFAULT_CASES

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        name = str(chosen.get("engine", _DEFAULT_ENGINE))
        engine = ENGINES[name]
        dependent = {
            "io": engine.io if chosen.get("image", NO_IMAGE) == NO_IMAGE else BUFFERED,
            "destination": engine.default_destination,
            "export": AFTER,
        }
        values = shared.complete(_PARAMETERS, chosen, dependent)
        fallbacks = {
            name: fallback for name, fallback in WITHOUT_MEANING.items() if name not in engine.uses
        }
        remarks = shared.drop_meaningless(values, chosen, fallbacks, f"for engine {name}")
        if values["destination"] == REUSED:
            where = f"for destination {REUSED}"
            remarks += shared.drop_meaningless(values, chosen, WITHOUT_MODEL, where)
        values["export"] = chosen.get("export", default_export(values))
        if not is_exported(values):
            where = f"for destination {values['destination']}"
            remarks += shared.drop_meaningless(values, chosen, {"export": AFTER}, where)
        return values, remarks

    def label(self, parameters: Mapping[str, Value]) -> str:
        words = [_engine_words(parameters)]
        if parameters["destination"] != MAPPING:
            words.append(f"→ {parameters['destination']}")
        words.append(_block_words(parameters))
        words += shared.words_of_changed(_PARAMETERS, parameters, _words(parameters))
        if parameters["export"] != default_export(parameters):
            words.append(f"export {parameters['export']}")
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedLoad]:
        content = "text" if images_of(cases) else "random"
        with (
            model_file(target, input, journal, say, content) as file,
            stored_models(target, input, journal, file, cases, say) as images,
            held_pressure(target, journal, file, cases, say) as pressure,
        ):
            yield PreparedLoad(target, input, file, pressure, images)


def _words(parameters: Mapping[str, Value]) -> dict[str, str]:
    """What a label has of each parameter that is not at its default."""
    return {
        "threads": f"{parameters['threads']} threads",
        "buffers": f"{parameters['buffers']} buffers",
        "overlap": f"overlap {format_bytes(int(parameters['overlap']))}",
        "fill": str(parameters["fill"]),
        "fixed": "fixed",
        "poll": f"poll {parameters['poll']}",
        "pressure": f"pressure {format_bytes(int(parameters['pressure']))}",
        "again": "again",
        "image": f"from {parameters['image']}",
        "cache": str(parameters["cache"]),
        "verify": f"verify {parameters['verify']}",
    }


def _engine_words(parameters: Mapping[str, Value]) -> str:
    words = [str(parameters["engine"])]
    if parameters["advice"] != "none":
        words.append(str(parameters["advice"]))
    if parameters["io"] != BUFFERED or not ENGINES[words[0]].maps_file:
        words.append(str(parameters["io"]))
    return " ".join(words)


def _block_words(parameters: Mapping[str, Value]) -> str:
    block = format_bytes(int(parameters["block"]))
    has_depth = "depth" in ENGINES[str(parameters["engine"])].uses
    return f"{block}×{parameters['depth']}" if has_depth else block


WORKLOAD = ModelLoad()
