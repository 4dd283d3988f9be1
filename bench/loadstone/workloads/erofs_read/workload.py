"""erofs-read: cold reads of a compressed, read-only file system, and what they read below."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import (
    AxisColumn,
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
from loadstone.provision.erofs_image import (
    ALGORITHMS,
    MOST_PCLUSTER_BYTES,
    OPTIONS,
    PLAIN,
    UNCOMPRESSED,
    erofs_utils_version,
)
from loadstone.provision.file_system import load_file_system
from loadstone.provision.image_source import source_of
from loadstone.provision.journal import Journal
from loadstone.provision.kernel_module import kernel_module
from loadstone.provision.scratch_file import scratch_directory
from loadstone.targets import Say, Target
from loadstone.units import format_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.cold_reads.cases import (
    BLOCK_BYTES,
    PATTERN_PARAMETER,
    PATTERNS,
    RANDOM,
    READ_METRICS,
    SEQUENTIAL,
    SIZE_PARAMETERS,
    check_sizes,
    default_sizes,
    read_ahead_words,
    size_words,
)
from loadstone.workloads.cold_reads.trials import OPERATION
from loadstone.workloads.entrants import no_entrants
from loadstone.workloads.erofs_read.errors import RULES
from loadstone.workloads.erofs_read.images import AS_IS, image_count, images_of
from loadstone.workloads.erofs_read.reserve import Reserve
from loadstone.workloads.erofs_read.trials import SET_UP_PARAMETERS, PreparedErofs

_DEFAULT_PCLUSTER = 4 << 10
_LARGE_PCLUSTER = 64 << 10

_PARAMETERS = (
    Parameter(
        name="algorithm",
        kind=Kind.CHOICE,
        default="lz4",
        choices=(*ALGORITHMS, UNCOMPRESSED, AS_IS),
        help=f"that the image is compressed by; {AS_IS}: --file is an image",
    ),
    Parameter(
        name="level",
        kind=Kind.COUNT,
        default=0,
        help="of the algorithm; 0: mkfs.erofs's own, and 3 for zstd",
    ),
    Parameter(
        name="pcluster",
        kind=Kind.SIZE,
        default=_DEFAULT_PCLUSTER,
        minimum=BLOCK_BYTES,
        help="bytes of a physical cluster, which is decompressed at once; 1MiB at most",
    ),
    Parameter(
        name="options",
        kind=Kind.CHOICE,
        default=PLAIN,
        choices=(PLAIN, *OPTIONS),
        help="-E of mkfs.erofs; whether the image has it is seen in its superblock",
    ),
    Parameter(
        name="cache_strategy",
        kind=Kind.CHOICE,
        default="readaround",
        choices=("disabled", "readahead", "readaround"),
        help="mount option: which compressed pages are kept in memory",
    ),
    PATTERN_PARAMETER,
    *SIZE_PARAMETERS,
    Parameter(
        name="reserved_pages",
        kind=Kind.COUNT,
        default=0,
        is_added=True,
        help="parameter that the module EROFS is loaded with: pages that it keeps for when memory "
        "is short",
    ),
    Parameter(
        name="available",
        kind=Kind.SIZE,
        default=0,
        is_added=True,
        help="hold and lock the machine's memory but so much (MemAvailable), for lab guests; 0: "
        "hold none",
    ),
    Parameter(
        name="trace",
        kind=Kind.FLAG,
        default=False,
        is_added=True,
        help="read all once more, not timed, and trace how long EROFS takes to allocate pages",
    ),
)

_METRICS = (
    *READ_METRICS,
    Metric(name="allocation_ns", unit="ns", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="p50 ms", name="read_ns", unit="ns"),
    Column(heading="p99 ms", name="read_p99_ns", unit="ns"),
    Column(heading="p99.9 ms", name="read_p999_ns", unit="ns"),
    Column(heading="amplification", name="amplification", unit="B/B"),
    Column(heading="stored", name="stored_ratio", unit="B/B"),
    Column(heading="CPU s/GB", name="cpu_s_per_gb", unit="s/GB"),
    Column(heading="allocating ms", name="allocation_ns", unit="ns"),
    Column(heading="slow", name="traced_slow_calls", unit="count"),
)

_BARS = (
    Column(heading="throughput", name="throughput", unit="GB/s"),
    Column(heading="read of the device, by what was asked", name="amplification", unit="B/B"),
    Column(heading="read, p99", name="read_p99_ns", unit="ns"),
)


_PICTURE = Picture(
    title="What is stored, and what is read for it",
    x=AxisColumn(heading="stored ÷ file", name="stored_ratio", unit="B/B"),
    y=(AxisColumn(heading="read ÷ asked", name="amplification", unit="B/B", is_log=True),),
    facet="pattern",
    groups=("algorithm", "level", "options", "cache_strategy"),
)


class ErofsRead:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "erofs-read"
    summary = "read a file of an EROFS image cold: speed, latencies, what was read of the device"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars = _BARS
    curves: Curves | None = None
    picture: Picture | None = _PICTURE
    rules = RULES
    operation = OPERATION
    set_up_parameters = SET_UP_PARAMETERS
    is_ranked = False
    companion = shared.NO_COMPANION
    entrants = staticmethod(no_entrants)
    devices = staticmethod(shared.no_devices)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        large: dict[str, Value] = {"pcluster": _LARGE_PCLUSTER}
        return [
            *({"pattern": pattern} for pattern in (SEQUENTIAL, RANDOM)),
            *({**large, "pattern": pattern} for pattern in PATTERNS),
            *(
                {**large, "pattern": pattern, "cache_strategy": "disabled"}
                for pattern in (SEQUENTIAL, RANDOM)
            ),
            *({"algorithm": UNCOMPRESSED, "pattern": pattern} for pattern in (SEQUENTIAL, RANDOM)),
        ]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        dependent = default_sizes(chosen.get("pattern", SEQUENTIAL))
        values = shared.complete(_PARAMETERS, chosen, dependent)
        _check(values)
        remarks = []
        if values["algorithm"] in (UNCOMPRESSED, AS_IS):
            fallbacks: dict[str, Value] = {
                "level": 0,
                "pcluster": _DEFAULT_PCLUSTER,
                "options": PLAIN,
            }
            where = f"for algorithm {values['algorithm']}"
            remarks += shared.drop_meaningless(values, chosen, fallbacks, where)
        return values, remarks

    def label(self, parameters: Mapping[str, Value]) -> str:
        pattern = str(parameters["pattern"])
        words = [str(parameters["algorithm"])]
        if parameters["algorithm"] not in (UNCOMPRESSED, AS_IS):
            words.append(format_bytes(int(parameters["pcluster"])))
        words.append(pattern)
        words += shared.words_of_changed(_PARAMETERS, parameters, _words(parameters))
        words += size_words(parameters)
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedErofs]:
        if not target.is_this_machine:
            raise CannotMeasureError(
                "erofs-read: its images are made by a program of this machine (mkfs.erofs), and "
                f"{target.name} is another",
                remedy="`loadstone lab run erofs-read` or --target local measures it",
            )
        load_file_system("erofs")
        version = erofs_utils_version()
        directory = scratch_directory(target, input)
        with (
            kernel_module(journal, "erofs") as module,
            source_of(target, input, journal, directory, image_count(cases), say) as source,
            images_of(target, journal, directory, source, cases, say) as images,
            contextlib.ExitStack() as mounted,
        ):
            facts: dict[str, Value] = {"file.bytes": source.bytes, "erofs.mkfs": version}
            reserve = Reserve.tried(module, cases)
            yield PreparedErofs(
                target, input, journal, directory, images, source.checksums, facts, mounted, reserve
            )


def _words(parameters: Mapping[str, Value]) -> dict[str, str]:
    """What a label has of each parameter that is not at its default."""
    return {
        "level": f"level {parameters['level']}",
        "options": str(parameters["options"]),
        "cache_strategy": f"cache {parameters['cache_strategy']}",
        "read_ahead": read_ahead_words(parameters),
        "reserved_pages": f"{parameters['reserved_pages']} pages reserved",
        "available": f"{format_bytes(int(parameters['available']))} available",
        "trace": "traced",
    }


def _check(parameters: Mapping[str, Value]) -> None:
    """Refuse sizes that no image, device or file has.

    Raises:
        UsageError: there is one.
    """
    check_sizes(parameters, "pcluster")
    if int(parameters["pcluster"]) > MOST_PCLUSTER_BYTES:
        raise UsageError(
            f"pcluster: {format_bytes(int(parameters['pcluster']))} is more than EROFS has",
            remedy=f"write {format_bytes(MOST_PCLUSTER_BYTES)} or less",
        )


WORKLOAD = ErofsRead()
