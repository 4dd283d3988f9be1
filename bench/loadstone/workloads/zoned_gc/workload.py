"""zoned-gc: what F2FS's cleaning costs on zoned storage: write amplification and latencies."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.errors import CannotMeasureError
from loadstone.model import (
    Better,
    Case,
    Column,
    Curves,
    Input,
    Metric,
    Picture,
    Value,
)
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import refuse_own_file, scratch_directory
from loadstone.targets import Say, Target
from loadstone.workloads import parameters as shared
from loadstone.workloads.entrants import no_entrants
from loadstone.workloads.zoned_gc.cases import NO_SYNC, PARAMETERS, complete, label
from loadstone.workloads.zoned_gc.device import FILE_SYSTEMS, ZONED
from loadstone.workloads.zoned_gc.errors import RULES
from loadstone.workloads.zoned_gc.trials import (
    OPERATION,
    SET_UP_PARAMETERS,
    PreparedZonedGc,
    why_not,
)

_METRICS = (
    Metric(name="write_amplification", unit="B/B", better=Better.LOWER),
    Metric(name="write_p50_ns", unit="ns", better=Better.LOWER),
    Metric(name="write_p99_ns", unit="ns", better=Better.LOWER),
    Metric(name="write_p999_ns", unit="ns", better=Better.LOWER),
    Metric(name="write_max_ns", unit="ns", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="p50 ms", name="write_p50_ns", unit="ns"),
    Column(heading="p99 ms", name="write_p99_ns", unit="ns"),
    Column(heading="p99.9 ms", name="write_p999_ns", unit="ns"),
    Column(heading="max ms", name="write_max_ns", unit="ns"),
    Column(heading="GC calls", name="f2fs.gc_foreground_calls", unit="count"),
    Column(heading="background", name="f2fs.gc_background_calls", unit="count"),
)

_BARS = (
    Column(heading="write amplification", name="write_amplification", unit="B/B"),
    Column(heading="write, p99.9", name="write_p999_ns", unit="ns"),
    Column(heading="write, slowest", name="write_max_ns", unit="ns"),
)

_CURVES = Curves(
    columns=(
        Column(heading="slowest write", name="max_ns", unit="ns"),
        Column(heading="write amplification", name="write_amplification", unit="B/B"),
        Column(heading="free segments", name="free_segments", unit="count"),
    ),
    about="equal numbers of writes",
    timed_from=0.5,
)


class ZonedGc:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "zoned-gc"
    summary = "write over a file on zoned F2FS to the steady state: write amplification, latencies"
    parameters = PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars = _BARS
    curves: Curves | None = _CURVES
    picture: Picture | None = None
    rules = RULES
    operation = OPERATION
    set_up_parameters = SET_UP_PARAMETERS
    is_ranked = False
    companion = shared.NO_COMPANION
    entrants = staticmethod(no_entrants)
    devices = staticmethod(shared.no_devices)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [
            {},
            {"fill": 60},
            {"sync": NO_SYNC},
            *({"fs": control} for control in FILE_SYSTEMS if control != ZONED),
        ]

    complete = staticmethod(complete)
    label = staticmethod(label)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedZonedGc]:
        refuse_own_file(self.name, input, "--set fill and total say what is written")
        if not target.is_this_machine:
            raise CannotMeasureError(
                "zoned-gc: its zoned device is simulated on this machine (null_blk), and "
                f"{target.name} is another",
                remedy="`loadstone lab run zoned-gc` or --target local measures it",
            )
        directory = scratch_directory(target, input)
        say("trying whether this kernel makes what the Cases ask for")
        refused = why_not(target, journal, directory, cases)
        with contextlib.ExitStack() as stack:
            yield PreparedZonedGc(target, input, journal, directory, refused, stack)


WORKLOAD = ZonedGc()
