"""compression: the same file and the same reads in several compressed file systems."""

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
from loadstone.provision.compressed_file import (
    BTRFS,
    BTRFS_CLUSTER_BYTES,
    EROFS,
    F2FS,
    LZ4,
    SQUASHFS,
    UNCOMPRESSED,
    ZSTD,
)
from loadstone.provision.image_source import file_source
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import scratch_directory
from loadstone.targets import Say, Target
from loadstone.units import format_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.cold_reads.cases import (
    BLOCK_BYTES,
    PATTERN_PARAMETER,
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
from loadstone.workloads.compression.errors import RULES
from loadstone.workloads.compression.trials import (
    SET_UP_PARAMETERS,
    PreparedCompression,
    spec_of,
    stored_files,
)
from loadstone.workloads.entrants import no_entrants

_CLUSTERS = {F2FS: 16 << 10, EROFS: 4 << 10, SQUASHFS: 128 << 10, BTRFS: BTRFS_CLUSTER_BYTES}
_LEVELS = {LZ4: 0, ZSTD: 3, UNCOMPRESSED: 0}
_MOST_CLUSTER_BYTES = 1 << 20

_PARAMETERS = (
    Parameter(
        name="file_system",
        kind=Kind.CHOICE,
        default=EROFS,
        choices=tuple(_CLUSTERS),
        help="that the file is stored in, alone, on a loop device",
    ),
    Parameter(
        name="algorithm",
        kind=Kind.CHOICE,
        choices=tuple(_LEVELS),
        help=f"{UNCOMPRESSED}: stored as it is [lz4; btrfs, which has no lz4: zstd]",
    ),
    Parameter(
        name="level",
        kind=Kind.COUNT,
        help="of the algorithm; lz4 from 1 on is LZ4HC [lz4: 0, zstd: 3]",
    ),
    Parameter(
        name="cluster",
        kind=Kind.SIZE,
        minimum=BLOCK_BYTES,
        help="bytes of F2FS's cluster (input), EROFS's pcluster (output), SquashFS's block (input) "
        "[16KiB, 4KiB, 128KiB; btrfs has 128KiB]",
    ),
    PATTERN_PARAMETER,
    *SIZE_PARAMETERS,
)

_METRICS = (
    *READ_METRICS,
    Metric(name="stored_ratio", unit="B/B", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="stored", name="stored_ratio", unit="B/B"),
    Column(heading="amplification", name="amplification", unit="B/B"),
    Column(heading="p50 ms", name="read_ns", unit="ns"),
    Column(heading="p99 ms", name="read_p99_ns", unit="ns"),
    Column(heading="CPU s/GB", name="cpu_s_per_gb", unit="s/GB"),
    Column(heading="written", name="written_ratio", unit="B/B"),
    Column(heading="to store ms", name="store_ns", unit="ns"),
)

_BARS = (
    Column(heading="stored, by the file's size", name="stored_ratio", unit="B/B"),
    Column(heading="read of the device, by what was asked", name="amplification", unit="B/B"),
    Column(heading="throughput", name="throughput", unit="GB/s"),
)


_PICTURE = Picture(
    title="What is stored, and what is read for it",
    x=AxisColumn(heading="stored ÷ file", name="stored_ratio", unit="B/B"),
    y=(AxisColumn(heading="read ÷ asked", name="amplification", unit="B/B", is_log=True),),
    facet="pattern",
    groups=("file_system", "algorithm", "level"),
)


class Compression:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "compression"
    summary = "store a file in F2FS, EROFS, SquashFS, btrfs, and read it cold: size, I/O, CPU, time"
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
        clusters = {F2FS: (16, 64, 1024), EROFS: (4, 64, 1024), SQUASHFS: (128, 1024)}
        stored: list[dict[str, Value]] = [{"algorithm": UNCOMPRESSED}]
        for file_system, sizes in clusters.items():
            stored += [{"file_system": file_system, "cluster": size << 10} for size in sizes]
        stored += [
            {"file_system": F2FS, "algorithm": ZSTD},
            {"file_system": EROFS, "algorithm": ZSTD, "cluster": 64 << 10},
            {"file_system": SQUASHFS, "algorithm": ZSTD},
            {"file_system": BTRFS},
        ]
        return [{**one, "pattern": pattern} for one in stored for pattern in (SEQUENTIAL, RANDOM)]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        file_system = str(chosen.get("file_system", EROFS))
        algorithm = str(chosen.get("algorithm", ZSTD if file_system == BTRFS else LZ4))
        dependent: dict[str, Value] = {
            "algorithm": algorithm,
            "level": _LEVELS[algorithm],
            "cluster": _CLUSTERS[file_system],
            **default_sizes(chosen.get("pattern", SEQUENTIAL)),
        }
        values = shared.complete(_PARAMETERS, chosen, dependent)
        _check(values)
        fallbacks: dict[str, Value] = {}
        if algorithm == UNCOMPRESSED:
            fallbacks["level"] = 0
            # What SquashFS does not compress it stores, and reads, in blocks all the same.
            if file_system != SQUASHFS:
                fallbacks["cluster"] = _CLUSTERS[file_system]
        where = f"for algorithm {algorithm}"
        return values, shared.drop_meaningless(values, chosen, fallbacks, where)

    def label(self, parameters: Mapping[str, Value]) -> str:
        file_system, algorithm, pattern = (
            str(parameters[name]) for name in ("file_system", "algorithm", "pattern")
        )
        words = [file_system, algorithm]
        if parameters["level"]:
            words[1] += f":{parameters['level']}"
        if algorithm != UNCOMPRESSED or file_system == SQUASHFS:
            words.append(format_bytes(int(parameters["cluster"])))
        words.append(pattern)
        read_ahead = read_ahead_words(parameters)
        words += shared.words_of_changed(_PARAMETERS, parameters, {"read_ahead": read_ahead})
        words += size_words(parameters)
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedCompression]:
        if not target.is_this_machine:
            raise CannotMeasureError(
                "compression: its file systems are made and mounted by programs of this machine, "
                f"and {target.name} is another",
                remedy="`loadstone lab run compression` or --target local measures it; "
                "`loadstone layout` predicts what is stored",
            )
        directory = scratch_directory(target, input)
        copies = len(set(map(spec_of, cases)))
        with (
            file_source(target, input, journal, directory, copies, say) as source,
            stored_files(target, journal, directory, source, cases, say) as files,
            contextlib.ExitStack() as mounted,
        ):
            yield PreparedCompression(target, input, journal, directory, files, source, mounted)


def _check(parameters: Mapping[str, Value]) -> None:
    """Refuse sizes that no file system, device or file has.

    Raises:
        UsageError: there is one.
    """
    check_sizes(parameters, "cluster")
    if int(parameters["cluster"]) > _MOST_CLUSTER_BYTES:
        raise UsageError(
            f"cluster: {format_bytes(int(parameters['cluster']))} is more than any of them has",
            remedy=f"write {format_bytes(_MOST_CLUSTER_BYTES)} or less",
        )


WORKLOAD = Compression()
