"""virtual-ab: what verified reads cost while an update of virtual A/B is merged below them."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.core import native
from loadstone.core.remote_files import Execute
from loadstone.errors import CannotMeasureError, UsageError
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
from loadstone.provision.block_device import block_devices
from loadstone.provision.device_mapper import require_device_mapper
from loadstone.provision.journal import Journal
from loadstone.provision.verity_image import DATA_BLOCK_BYTES, Layout, layout_of
from loadstone.targets import Say, Target
from loadstone.units import format_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.entrants import no_entrants
from loadstone.workloads.fec_roots import FEC_ROOTS, check_fec_roots
from loadstone.workloads.virtual_ab.devices import Stack, stack_on
from loadstone.workloads.virtual_ab.errors import RULES
from loadstone.workloads.virtual_ab.stores import MERGED, device_bytes, store_of
from loadstone.workloads.virtual_ab.trials import (
    MERGING,
    OPERATION,
    SET_UP_PARAMETERS,
    PreparedUpdate,
)

_UPDATED = "updated"
_RANDOM = "random"
_BLOCKS = {_RANDOM: 4 << 10, "sequential": 128 << 10}
_TOTAL = 8 << 20
_EXTENTS = 16
_CHANGED = 50
_PIECE = 64 << 10
_MOST_EXTENTS = 4096
_MOST_BYTES = 1 << 20

_PARAMETERS = (
    Parameter(
        name="state",
        kind=Kind.CHOICE,
        default=MERGING,
        choices=(_UPDATED, MERGING, MERGED),
        help="of the update: read through its snapshot, meanwhile merged, or all over",
    ),
    Parameter(
        name="extents",
        kind=Kind.COUNT,
        default=_EXTENTS,
        minimum=1,
        help="that the store of what changed (COW) is made of, by dm-linear",
    ),
    Parameter(
        name="changed",
        kind=Kind.COUNT,
        default=_CHANGED,
        minimum=1,
        help="how much of the image the update changes, in percent",
    ),
    Parameter(
        name="piece",
        kind=Kind.SIZE,
        default=_PIECE,
        minimum=DATA_BLOCK_BYTES,
        help="bytes that change in a row; a power of two",
    ),
    FEC_ROOTS,
    Parameter(
        name="pattern",
        kind=Kind.CHOICE,
        default=_RANDOM,
        choices=tuple(_BLOCKS),
        help="blocks anywhere, or one after the other, each thread in a share of its own",
    ),
    Parameter(
        name="block",
        kind=Kind.SIZE,
        minimum=DATA_BLOCK_BYTES,
        help="bytes of one read, by O_DIRECT [random: 4KiB, sequential: 128KiB]",
    ),
    Parameter(
        name="threads", kind=Kind.COUNT, default=1, minimum=1, help="that read at the same time"
    ),
    Parameter(
        name="total",
        kind=Kind.SIZE,
        default=_TOTAL,
        minimum=DATA_BLOCK_BYTES,
        help="bytes read in all, by all threads; while it is merged, until that is done",
    ),
)

_METRICS = (
    Metric(name="read_ns", unit="ns", better=Better.LOWER),
    Metric(name="read_p99_ns", unit="ns", better=Better.LOWER),
    Metric(name="merge_mib_per_s", unit="MiB/s", better=Better.HIGHER),
    Metric(name="flushes_per_chunk", unit="flushes/chunk", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="read p50 ms", name="read_ns", unit="ns"),
    Column(heading="p99 ms", name="read_p99_ns", unit="ns"),
    Column(heading="max ms", name="read_max_ns", unit="ns"),
    Column(heading="merged MiB/s", name="merge_mib_per_s", unit="MiB/s"),
    Column(heading="flushes/chunk", name="flushes_per_chunk", unit="flushes/chunk"),
    Column(heading="switch ms", name="to_merging_ns", unit="ns"),
)


class VirtualAb:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "virtual-ab"
    summary = "read an updated image through dm-verity while dm-snapshot merges it: reads, flushes"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars: tuple[Column, ...] = ()
    curves: Curves | None = None
    picture: Picture | None = None
    rules = RULES
    operation = OPERATION
    set_up_parameters = SET_UP_PARAMETERS
    is_ranked = False
    companion = shared.NO_COMPANION
    entrants = staticmethod(no_entrants)

    def devices(self, input: Input, cases: Sequence[Case]) -> tuple[int, ...]:
        """One for the image, its hash tree and FEC, the old image, and what changed."""
        return (_device_bytes(_layout(input, cases), cases),)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [
            {"state": _UPDATED},
            {"state": MERGING},
            {"state": MERGING, "extents": 256},
            {"state": MERGED},
        ]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        dependent = {"block": _BLOCKS[str(chosen.get("pattern", _RANDOM))]}
        values = shared.complete(_PARAMETERS, chosen, dependent)
        _check(values)
        notes: list[str] = []
        if values["state"] == MERGED:
            fallbacks = {"extents": _EXTENTS, "changed": _CHANGED, "piece": _PIECE}
            where = "once all is merged"
            notes += shared.drop_meaningless(values, chosen, fallbacks, where)
        if values["state"] == MERGING:
            where = "while it is merged, as reads go on until that is done"
            notes += shared.drop_meaningless(values, chosen, {"total": _TOTAL}, where)
        return values, notes

    def label(self, parameters: Mapping[str, Value]) -> str:
        words = [str(parameters["state"])]
        if parameters["state"] != MERGED:
            words.append(f"{parameters['extents']} extents")
        block, pattern = int(parameters["block"]), str(parameters["pattern"])
        words.append(pattern)
        if block != _BLOCKS[pattern]:
            words.append(format_bytes(block))
        changed = {
            "changed": f"changed {parameters['changed']} %",
            "piece": f"pieces {format_bytes(int(parameters['piece']))}",
            "fec_roots": f"roots {parameters['fec_roots']}"
            if parameters["fec_roots"]
            else "no FEC",
            "threads": f"×{parameters['threads']}",
            "total": f"total {format_bytes(int(parameters['total']))}",
        }
        return " ".join((*words, *shared.words_of_changed(_PARAMETERS, parameters, changed)))

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedUpdate]:
        if not target.is_this_machine:
            raise CannotMeasureError(
                f"virtual-ab: its hash tree is made by a program of this machine (veritysetup), "
                f"and {target.name} is another",
                remedy="`loadstone lab run virtual-ab` or --target local measures it",
            )
        layout = _layout(input, cases, target.execute)
        version = require_device_mapper(target)
        size_bytes = _device_bytes(layout, cases)
        with contextlib.ExitStack() as stack:
            (lower,) = stack.enter_context(
                block_devices(
                    target,
                    input,
                    journal,
                    (size_bytes,),
                    written_bytes=size_bytes + layout.made_bytes,
                )
            )
            made: Stack = stack.enter_context(
                stack_on(target, input, journal, layout, lower, cases, say)
            )
            yield PreparedUpdate(target, input, made, version)


def _layout(input: Input, cases: Sequence[Case], execute: Execute = native.run_job) -> Layout:
    roots = [int(case.parameters["fec_roots"]) for case in cases]
    return layout_of(input, [DATA_BLOCK_BYTES], execute, roots)


def _device_bytes(layout: Layout, cases: Sequence[Case]) -> int:
    return device_bytes(layout, [store_of(case, layout.image_bytes) for case in cases])


def _check(parameters: Mapping[str, Value]) -> None:
    for name in ("block", "total"):
        if int(parameters[name]) % DATA_BLOCK_BYTES:
            raise UsageError(
                f"{name}: {parameters[name]} is no multiple of the data block",
                remedy=f"write {DATA_BLOCK_BYTES} or a multiple",
            )
    piece = int(parameters["piece"])
    if piece & (piece - 1) or piece > _MOST_BYTES:
        raise UsageError(
            f"piece: {piece} is none", remedy=f"write a power of two up to {_MOST_BYTES}"
        )
    for name, most in (("extents", _MOST_EXTENTS), ("changed", 100), ("block", _MOST_BYTES)):
        if int(parameters[name]) > most:
            raise UsageError(
                f"{name}: {parameters[name]} is too much", remedy=f"write {most} or less"
            )
    check_fec_roots(parameters)
    at_least = int(parameters["block"]) * int(parameters["threads"])
    if parameters["state"] != MERGING and int(parameters["total"]) < at_least:
        raise UsageError("total: is less than one block for each thread", remedy="write more")


WORKLOAD = VirtualAb()
