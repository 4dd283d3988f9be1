"""dm-verity: what reads of verified blocks cost more than reads of the same blocks unverified."""

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
from loadstone.provision.block_device import block_devices
from loadstone.provision.device_mapper import MappedDevice, require_device_mapper
from loadstone.provision.journal import Journal
from loadstone.provision.tunable import kept_tunable
from loadstone.provision.verity_image import (
    DATA_BLOCK_BYTES,
    hash_tree,
    image_on,
    layout_of,
    verity_device,
    verity_table,
)
from loadstone.targets import Say, Target
from loadstone.units import format_bytes, parse_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.dm_verity.errors import RULES
from loadstone.workloads.dm_verity.trials import (
    OPERATION,
    SET_UP_PARAMETERS,
    USE_BH_BYTES,
    PreparedVerity,
)
from loadstone.workloads.entrants import no_entrants

_AS_IS = "as-is"
_RANDOM = "random"
_BLOCKS = {_RANDOM: 4 << 10, "sequential": 512 << 10}
_TOTALS = {_RANDOM: 8 << 20, "sequential": 32 << 20}
_HASH_BLOCKS = tuple(512 << power for power in range(4))

_PARAMETERS = (
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
        help="bytes of one read [random: 4KiB, sequential: 512KiB]",
    ),
    Parameter(
        name="io",
        kind=Kind.CHOICE,
        default="direct",
        choices=("buffered", "direct"),
        help="through the page cache, which holds nothing of it, or O_DIRECT around it",
    ),
    Parameter(
        name="threads", kind=Kind.COUNT, default=1, minimum=1, help="that read at the same time"
    ),
    Parameter(
        name="tasklet",
        kind=Kind.FLAG,
        default=False,
        help="try_verify_in_tasklet: verify where the read completes, if the hashes are cached",
    ),
    Parameter(
        name="use_bh_bytes",
        kind=Kind.CHOICE,
        default=_AS_IS,
        help="with tasklet, up to what size: as-is, or bytes for all I/O classes; put back",
    ),
    Parameter(
        name="hash_block",
        kind=Kind.SIZE,
        default=4 << 10,
        minimum=512,
        help="bytes of a block of the hash tree: 512, 1KiB, 2KiB or 4KiB",
    ),
    Parameter(
        name="cache",
        kind=Kind.CHOICE,
        default="cold",
        choices=("cold", "warm"),
        help="whether dm-verity has the hashes in memory; both are proven by what it reads",
    ),
    Parameter(
        name="total",
        kind=Kind.SIZE,
        minimum=DATA_BLOCK_BYTES,
        help="bytes read in all, by all threads [random: 8MiB, sequential: 32MiB]",
    ),
)

_METRICS = (
    Metric(name="throughput", unit="MiB/s", better=Better.HIGHER),
    Metric(name="verity_ns_per_block", unit="ns/block", better=Better.LOWER),
    Metric(name="verity_s_per_gb", unit="s/GB", better=Better.LOWER),
    Metric(name="read_ns", unit="ns", better=Better.LOWER),
    Metric(name="read_p99_ns", unit="ns", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="floor MiB/s", name="floor_mib_per_s", unit="MiB/s"),
    Column(heading="verity ns/block", name="verity_ns_per_block", unit="ns/block"),
    Column(heading="verity s/GB", name="verity_s_per_gb", unit="s/GB"),
    Column(heading="read p50 ms", name="read_ns", unit="ns"),
    Column(heading="p99 ms", name="read_p99_ns", unit="ns"),
    Column(heading="hash read", name="hash_read_bytes", unit="B"),
)


_PICTURE = Picture(
    title="Cost of verifying by the size of a read",
    x=AxisColumn(heading="size of a read", name="block", unit="B", is_log=True),
    y=(
        AxisColumn(heading="verity cost", name="verity_ns_per_block", unit="ns/block"),
        AxisColumn(heading="reads below", name="lower_reads_per_block", unit="reads/block"),
    ),
)


class DmVerity:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "dm-verity"
    summary = "read an image through dm-verity and the same blocks without: what verifying costs"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars: tuple[Column, ...] = ()
    curves: Curves | None = None
    picture: Picture | None = _PICTURE
    rules = RULES
    operation = OPERATION
    set_up_parameters = SET_UP_PARAMETERS
    is_ranked = False
    companion = shared.NO_COMPANION
    entrants = staticmethod(no_entrants)

    def devices(self, input: Input, cases: Sequence[Case]) -> tuple[int, ...]:
        """One for the image and its hash trees."""
        return (layout_of(input, _hash_blocks(cases)).device_bytes,)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [
            {"cache": "cold"},
            {"cache": "warm"},
            {"cache": "warm", "threads": 8},
            {"cache": "warm", "tasklet": True},
            {"cache": "warm", "io": "buffered"},
            {"pattern": "sequential"},
            {"pattern": "sequential", "threads": 8},
            {"pattern": "sequential", "io": "buffered"},
        ]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        pattern = str(chosen.get("pattern", _RANDOM))
        dependent = {"block": _BLOCKS[pattern], "total": _TOTALS[pattern]}
        values = shared.complete(_PARAMETERS, chosen, dependent)
        values["use_bh_bytes"] = _bh_bytes(str(values["use_bh_bytes"]))
        remarks = []
        if not values["tasklet"]:
            fallback = {"use_bh_bytes": _AS_IS}
            remarks += shared.drop_meaningless(values, chosen, fallback, "without tasklet")
        _check(values)
        return values, remarks

    def label(self, parameters: Mapping[str, Value]) -> str:
        pattern = str(parameters["pattern"])
        words = [pattern, format_bytes(int(parameters["block"])), str(parameters["io"])]
        words.append(str(parameters["cache"]))
        words += shared.words_of_changed(_PARAMETERS, parameters, _words(parameters))
        if parameters["total"] != _TOTALS[pattern]:
            words.append(f"of {format_bytes(int(parameters['total']))}")
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedVerity]:
        if not target.is_this_machine:
            raise CannotMeasureError(
                f"dm-verity: its hash trees are made by a program of this machine (veritysetup), "
                f"and {target.name} is another",
                remedy="`loadstone lab run dm-verity` or --target local measures it",
            )
        layout = layout_of(input, _hash_blocks(cases), target.execute)
        version = require_device_mapper(target)
        with contextlib.ExitStack() as stack:
            enter = stack.enter_context
            (lower,) = enter(
                block_devices(
                    target,
                    input,
                    journal,
                    (layout.device_bytes,),
                    written_bytes=layout.device_bytes + layout.made_bytes,
                )
            )
            data = enter(image_on(target, input, journal, layout, lower.number, say))
            say(f"hashing it for {len(layout.hash_blocks)} trees")
            trees = {
                size: enter(hash_tree(target, journal, layout, lower.number, data, size))
                for size in layout.hash_blocks
            }
            devices: dict[str, MappedDevice | str] = {}
            for case in cases:
                tree = trees[int(case.parameters["hash_block"])]
                options = ("try_verify_in_tasklet",) if case.parameters["tasklet"] else ()
                table = verity_table(layout, data, tree, options)
                devices[case.id] = _verity(stack, target, journal, table, devices)
            bh_bytes = enter(kept_tunable(target, journal, USE_BH_BYTES))
            yield PreparedVerity(
                target, input, layout, lower, data, trees, devices, bh_bytes, version
            )


def _verity(
    stack: contextlib.ExitStack,
    target: Target,
    journal: Journal,
    table: str,
    others: Mapping[str, MappedDevice | str],
) -> MappedDevice | str:
    """A device of that table, or why this kernel makes none; Cases of one table share it."""
    for one in others.values():
        if isinstance(one, MappedDevice) and one.table == table:
            return one
    return verity_device(stack, target, journal, table)


def _hash_blocks(cases: Sequence[Case]) -> list[int]:
    return sorted({int(case.parameters["hash_block"]) for case in cases})


def _bh_bytes(text: str) -> str:
    """Written one way, so that equal Cases have one id."""
    if text == _AS_IS:
        return text
    try:
        return str(parse_bytes(text))
    except UsageError as error:
        raise UsageError(
            f"use_bh_bytes: {error.what}", remedy=f"{error.remedy}, or {_AS_IS}"
        ) from None


def _words(parameters: Mapping[str, Value]) -> dict[str, str]:
    """What a label has of each parameter that is not at its default."""
    bh_bytes = str(parameters["use_bh_bytes"])
    return {
        "threads": f"×{parameters['threads']}",
        "tasklet": "tasklet",
        "use_bh_bytes": f"bh {bh_bytes if bh_bytes == _AS_IS else format_bytes(int(bh_bytes))}",
        "hash_block": f"hash {format_bytes(int(parameters['hash_block']))}",
    }


def _check(parameters: Mapping[str, Value]) -> None:
    for name in ("block", "total"):
        if int(parameters[name]) % DATA_BLOCK_BYTES:
            raise UsageError(
                f"{name}: {parameters[name]} is no multiple of the data block",
                remedy=f"write {DATA_BLOCK_BYTES} or a multiple",
            )
    if parameters["hash_block"] not in _HASH_BLOCKS:
        sizes = ", ".join(map(format_bytes, _HASH_BLOCKS))
        raise UsageError(f"hash_block: {parameters['hash_block']} is none", remedy=f"write {sizes}")
    if int(parameters["total"]) < int(parameters["block"]) * int(parameters["threads"]):
        raise UsageError("total: is less than one block for each thread", remedy="write more")


WORKLOAD = DmVerity()
