"""dm-flush: what a flush costs through device-mapper, by the number of targets in the table."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

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
from loadstone.provision.block_device import block_devices
from loadstone.provision.device_mapper import mapped_device, require_device_mapper
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import refuse_own_file
from loadstone.targets import Say, Target
from loadstone.units import format_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.dm_flush.errors import RULES
from loadstone.workloads.dm_flush.table import check_geometry, flush_table, needed_bytes
from loadstone.workloads.dm_flush.trials import OPERATION, SET_UP_PARAMETERS, PreparedFlush
from loadstone.workloads.entrants import no_entrants

_DEFAULT_BLOCK = 4096
_DEFAULT_IO = "buffered"
_DEFAULT_WRITES = 20

_PARAMETERS = (
    Parameter(
        name="segments", kind=Kind.COUNT, default=1024, minimum=1, help="targets in the table"
    ),
    Parameter(
        name="table",
        kind=Kind.CHOICE,
        default="linear",
        choices=("linear", "stripe", "linear+delay"),
        help="what they are; with one delay of 0 ms behind them every target gets every flush",
    ),
    Parameter(
        name="devices", kind=Kind.COUNT, default=1, minimum=1, help="block devices below the table"
    ),
    Parameter(
        name="segment", kind=Kind.SIZE, default=8000 * 512, minimum=512, help="bytes of a target"
    ),
    Parameter(
        name="stride",
        kind=Kind.SIZE,
        default=16384 * 512,
        minimum=512,
        help="from the beginning of one to that of the next on the same device",
    ),
    Parameter(
        name="threads", kind=Kind.COUNT, default=16, minimum=1, help="that write, each by itself"
    ),
    Parameter(
        name="block",
        kind=Kind.SIZE,
        default=_DEFAULT_BLOCK,
        minimum=512,
        help="bytes of one random write",
    ),
    Parameter(
        name="sync",
        kind=Kind.CHOICE,
        default="fdatasync",
        choices=("fdatasync", "fsync", "dsync", "empty"),
        help="what follows each write; RWF_DSYNC on it; or a flush without any write",
    ),
    Parameter(
        name="io",
        kind=Kind.CHOICE,
        default=_DEFAULT_IO,
        choices=("buffered", "direct"),
        help="through the page cache of the device, or O_DIRECT around it",
    ),
    Parameter(
        name="writes",
        kind=Kind.COUNT,
        default=_DEFAULT_WRITES,
        minimum=1,
        help="of each thread, and as many syncs",
    ),
    Parameter(
        name="seconds",
        kind=Kind.COUNT,
        default=0,
        help="write for so long instead; 0: until the writes are done",
    ),
)

_METRICS = (
    Metric(name="throughput", unit="KiB/s", better=Better.HIGHER),
    Metric(name="syncs_per_s", unit="syncs/s", better=Better.HIGHER),
    Metric(name="sync_ns", unit="ns", better=Better.LOWER),
    Metric(name="sync_p99_ns", unit="ns", better=Better.LOWER),
    Metric(name="write_ns", unit="ns", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="syncs/s", name="syncs_per_s", unit="syncs/s"),
    Column(heading="sync p50 ms", name="sync_ns", unit="ns"),
    Column(heading="p99 ms", name="sync_p99_ns", unit="ns"),
    Column(heading="write p50 ms", name="write_ns", unit="ns"),
    Column(heading="flushes/sync", name="flushes_per_sync", unit="count"),
    Column(heading="remaps/flush", name="remaps_per_flush", unit="count"),
)

_BARS = (
    Column(heading="syncs/s", name="syncs_per_s", unit="syncs/s"),
    Column(heading="flushes for each sync", name="flushes_per_sync", unit="count"),
    Column(heading="sync, p50", name="sync_ns", unit="ns"),
)

# A bound for what random blocks take of sparse images, with the file system's own.
_WRITTEN_BYTES = 256 << 20
_DEFAULT_SEGMENTS = (1, 16, 128, 1024)


_PICTURE = Picture(
    title="Syncs and flushes by the number of segments",
    x=AxisColumn(heading="segments", name="segments", unit="count", is_log=True),
    y=(
        AxisColumn(heading="syncs/s", name="syncs_per_s", unit="syncs/s", is_log=True),
        AxisColumn(heading="flushes/sync", name="flushes_per_sync", unit="count", is_log=True),
    ),
)


class DmFlush:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "dm-flush"
    summary = "write and sync through device-mapper tables of many targets; count the flushes"
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

    def devices(self, input: Input, cases: Sequence[Case]) -> tuple[int, ...]:
        """As many as the Case with most takes, each as large as the largest needs it."""
        del input
        count = max((int(case.parameters["devices"]) for case in cases), default=0)
        least = max((needed_bytes(case.parameters) for case in cases), default=0)
        return (least,) * count

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [
            *({"segments": segments} for segments in _DEFAULT_SEGMENTS),
            {"segments": _DEFAULT_SEGMENTS[-1], "table": "linear+delay"},
        ]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        values = shared.complete(_PARAMETERS, chosen)
        check_geometry(values)
        remarks = []
        if values["seconds"]:
            fallback: dict[str, Value] = {"writes": _DEFAULT_WRITES}
            remarks += shared.drop_meaningless(values, chosen, fallback, "with seconds")
        if values["sync"] == "empty":
            fallbacks: dict[str, Value] = {"block": _DEFAULT_BLOCK, "io": _DEFAULT_IO}
            remarks += shared.drop_meaningless(values, chosen, fallbacks, "for sync empty")
        return values, remarks

    def label(self, parameters: Mapping[str, Value]) -> str:
        others = shared.words_of_changed(_PARAMETERS, parameters, _words(parameters))
        return " ".join([f"{parameters['segments']} {parameters['table']}", *others])

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedFlush]:
        refuse_own_file(self.name, input, "--device names what is written to")
        version = require_device_mapper(target)
        with contextlib.ExitStack() as stack:
            devices = stack.enter_context(
                block_devices(
                    target,
                    input,
                    journal,
                    self.devices(input, cases),
                    written_bytes=_WRITTEN_BYTES,
                )
            )
            say(f"making {len(cases)} tables on {', '.join(device.path for device in devices)}")
            numbers = [device.number for device in devices]
            tables = {
                case.id: stack.enter_context(
                    mapped_device(
                        target,
                        journal,
                        flush_table(case.parameters, numbers[: int(case.parameters["devices"])]),
                        what="flush",
                    )
                )
                for case in cases
            }
            yield PreparedFlush(target, input, devices, tables, version)


def _words(parameters: Mapping[str, Value]) -> dict[str, str]:
    """What a label has of each parameter that is not at its default."""
    return {
        "devices": f"on {parameters['devices']} devices",
        "segment": f"of {format_bytes(int(parameters['segment']))}",
        "stride": f"every {format_bytes(int(parameters['stride']))}",
        "threads": f"{parameters['threads']} threads",
        "block": format_bytes(int(parameters["block"])),
        "sync": str(parameters["sync"]),
        "io": str(parameters["io"]),
        "writes": f"×{parameters['writes']}",
        "seconds": f"{parameters['seconds']} s",
    }


WORKLOAD = DmFlush()
