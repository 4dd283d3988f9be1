"""dm-verity-fec: what reads of damaged blocks cost where dm-verity corrects them."""

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
from loadstone.workloads import parameters as shared
from loadstone.workloads.dm_verity_fec.devices import (
    CORRUPT,
    ERROR,
    NO_DAMAGE,
    SUSPENDED,
    Stack,
    stack_on,
)
from loadstone.workloads.dm_verity_fec.errors import RULES
from loadstone.workloads.dm_verity_fec.trials import OPERATION, SET_UP_PARAMETERS, PreparedFec
from loadstone.workloads.entrants import no_entrants
from loadstone.workloads.fec_roots import FEC_ROOTS, check_fec_roots

_READAHEAD = "readahead"
# One that is read by a reader; as many as read ahead of one are, in the talk at the 19th CLK.
_BLOCKS = {"direct": 1, "buffered": 1, _READAHEAD: 20}
_MOST_BLOCKS = 1024

_PARAMETERS = (
    Parameter(
        name="damage",
        kind=Kind.CHOICE,
        default=CORRUPT,
        choices=(NO_DAMAGE, CORRUPT, ERROR, SUSPENDED),
        help="of the blocks that are read: others' bytes, EIO, or their device is suspended",
    ),
    Parameter(
        name="read",
        kind=Kind.CHOICE,
        default="direct",
        choices=tuple(_BLOCKS),
        help="one read by O_DIRECT or through the page cache; or readahead(2), until it is done",
    ),
    FEC_ROOTS,
    Parameter(
        name="blocks",
        kind=Kind.COUNT,
        minimum=1,
        help="in a row that are damaged and read, 4KiB each [readahead: 20, else 1]",
    ),
)

_METRICS = (
    Metric(name="lower_reads_per_block", unit="reads/block", better=Better.LOWER),
    Metric(name="block_ns", unit="ns", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="ms/block", name="block_ns", unit="ns"),
    Column(heading="data reads", name="image_read_ios", unit="count"),
    Column(heading="hash", name="hash_read_ios", unit="count"),
    Column(heading="FEC", name="fec_read_ios", unit="count"),
    Column(heading="corrected", name="corrected_blocks", unit="count"),
    Column(heading="CPU ms/block", name="cpu_per_block_ns", unit="ns"),
)

_BARS = (
    Column(heading="reads below for each block", name="lower_reads_per_block", unit="reads/block"),
    Column(heading="ms for each block", name="block_ns", unit="ns"),
)


class DmVerityFec:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "dm-verity-fec"
    summary = "read damaged blocks through dm-verity with forward error correction: reads and time"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars = _BARS
    curves: Curves | None = None
    picture: Picture | None = None
    rules = RULES
    operation = OPERATION
    set_up_parameters = SET_UP_PARAMETERS
    is_ranked = False
    companion = shared.NO_COMPANION
    entrants = staticmethod(no_entrants)

    def devices(self, input: Input, cases: Sequence[Case]) -> tuple[int, ...]:
        """One for the image, its hash tree and FEC."""
        return (_layout(input, cases).device_bytes,)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [
            {"damage": CORRUPT, "fec_roots": 2},
            {"damage": CORRUPT, "fec_roots": 24},
            {"damage": ERROR},
            {"damage": ERROR, "read": _READAHEAD},
            {"damage": SUSPENDED, "read": _READAHEAD},
        ]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        dependent = {"blocks": _BLOCKS[str(chosen.get("read", "direct"))]}
        values = shared.complete(_PARAMETERS, chosen, dependent)
        _check(values)
        return values, []

    def label(self, parameters: Mapping[str, Value]) -> str:
        roots, blocks = int(parameters["fec_roots"]), int(parameters["blocks"])
        words = [str(parameters["damage"]) if parameters["damage"] != NO_DAMAGE else "undamaged"]
        words += [str(parameters["read"]), f"roots {roots}" if roots else "no FEC"]
        if blocks != _BLOCKS[str(parameters["read"])]:
            words.append(f"×{blocks}")
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedFec]:
        if not target.is_this_machine:
            raise CannotMeasureError(
                f"dm-verity-fec: its FEC is made by a program of this machine (veritysetup), and "
                f"{target.name} is another",
                remedy="`loadstone lab run dm-verity-fec` or --target local measures it",
            )
        layout = _layout(input, cases, target.execute)
        version = require_device_mapper(target)
        with contextlib.ExitStack() as stack:
            (lower,) = stack.enter_context(
                block_devices(
                    target,
                    input,
                    journal,
                    (layout.device_bytes,),
                    written_bytes=layout.device_bytes + layout.made_bytes,
                )
            )
            made: Stack = stack.enter_context(
                stack_on(target, input, journal, layout, lower, cases, say)
            )
            yield PreparedFec(target, input, made, version)


def _layout(input: Input, cases: Sequence[Case], execute: Execute = native.run_job) -> Layout:
    roots = [int(case.parameters["fec_roots"]) for case in cases]
    return layout_of(input, [DATA_BLOCK_BYTES], execute, roots)


def _check(parameters: Mapping[str, Value]) -> None:
    check_fec_roots(parameters)
    if int(parameters["blocks"]) > _MOST_BLOCKS:
        raise UsageError(
            f"blocks: {parameters['blocks']} are more than are read at once",
            remedy=f"write {_MOST_BLOCKS} or less",
        )
    if parameters["damage"] == SUSPENDED and parameters["read"] != _READAHEAD:
        raise UsageError(
            f"damage: a {parameters['read']} read of a suspended device waits until it is resumed",
            remedy=f"--set read={_READAHEAD} with damage={SUSPENDED}",
        )


WORKLOAD = DmVerityFec()
