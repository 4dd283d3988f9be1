"""calibration: what basic work of kernel and processor costs."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.environment.calibration import MICROBENCHMARKS
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
from loadstone.provision.scratch_file import (
    refuse_own_file,
    require_room,
    scratch_directory,
    scratch_file,
)
from loadstone.targets import Say, Target
from loadstone.units import format_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.calibration.errors import RULES
from loadstone.workloads.calibration.trials import OPERATION, PreparedCalibration
from loadstone.workloads.entrants import no_entrants

_DEFAULT_SIZE = 64 << 10
# What the largest of the effects' files takes, and as much again.
_ROOM_BYTES = 32 << 20

_PARAMETERS = (
    Parameter(
        name="effect",
        kind=Kind.CHOICE,
        default="memcpy",
        choices=tuple(MICROBENCHMARKS),
        help="the work: libc's copying and clearing, the kernel's copying to a reader, a null "
        "system call, a fault on a small and on a huge page, a switch between threads, the clock, "
        "buffered writes, reads of a cached file by pread and out of a mapping",
    ),
    Parameter(
        name="size",
        kind=Kind.SIZE,
        default=_DEFAULT_SIZE,
        minimum=1,
        help="bytes of one write (effect=write)",
    ),
)

_METRICS = (Metric(name="cost_ns", unit="ns/unit", better=Better.LOWER),)

_COLUMNS = (
    Column(heading="mean", name="mean_cost_ns", unit="ns/unit"),
    Column(heading="units", name="count", unit="count"),
    Column(heading="faults", name="minor_faults", unit="count"),
    Column(heading="switches", name="voluntary_switches", unit="count"),
)


class Calibration:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "calibration"
    summary = "what basic work of kernel and processor costs: copying, calls, faults, switches"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars: tuple[Column, ...] = ()
    curves: Curves | None = None
    picture: Picture | None = None
    rules = RULES
    operation = OPERATION
    set_up_parameters = shared.NO_PARAMETERS
    is_ranked = False
    companion = shared.NO_COMPANION
    entrants = staticmethod(no_entrants)
    devices = staticmethod(shared.no_devices)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        sizes: dict[str, tuple[int, ...]] = {"write": (4 << 10, 64 << 10)}
        return [
            {"effect": effect, "size": size}
            for effect in MICROBENCHMARKS
            for size in sizes.get(effect, (_DEFAULT_SIZE,))
        ]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        values = shared.complete(_PARAMETERS, chosen)
        if (effect := values["effect"]) == "write":
            return values, []
        fallbacks = {"size": _DEFAULT_SIZE}
        return values, shared.drop_meaningless(values, chosen, fallbacks, f"for effect {effect}")

    def label(self, parameters: Mapping[str, Value]) -> str:
        effect = str(parameters["effect"])
        size = f" {format_bytes(int(parameters['size']))}" if effect == "write" else ""
        return f"{effect}{size}, per {MICROBENCHMARKS[effect].unit}"

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedCalibration]:
        del say
        refuse_own_file(self.name, input, "leave it out; --dir names where files may be made")
        directory = scratch_directory(target, input)
        needs_file = any(
            MICROBENCHMARKS[str(case.parameters["effect"])].needs_file for case in cases
        )
        if needs_file:
            require_room(target, directory, _ROOM_BYTES, "free some, or name another --dir")
        with scratch_file(target, journal, "calibration", directory) as file:
            path = str(directory) if needs_file else None
            yield PreparedCalibration(target, input, path, file)


WORKLOAD = Calibration()
