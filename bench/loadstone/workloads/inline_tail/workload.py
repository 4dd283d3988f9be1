"""inline-tail: what F2FS takes for small files, and what copying and reading them costs.

A stock kernel has inline data, which is measured; inline tail is in none, and is predicted from
the sizes of the same files (``loadstone layout``).
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.errors import CannotMeasureError
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
from loadstone.provision.file_system import load_file_system
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import scratch_directory
from loadstone.targets import Say, Target
from loadstone.workloads import parameters as shared
from loadstone.workloads.entrants import no_entrants
from loadstone.workloads.inline_tail.device import device_for
from loadstone.workloads.inline_tail.errors import RULES
from loadstone.workloads.inline_tail.tree import tree_in_memory
from loadstone.workloads.inline_tail.trials import COPY, OPERATION, READ, PreparedTree

_PARAMETERS = (
    Parameter(
        name="inline",
        kind=Kind.FLAG,
        default=True,
        help="inline_data or noinline_data: whether small files lie in their inodes",
    ),
    Parameter(
        name="phase",
        kind=Kind.CHOICE,
        default=COPY,
        choices=(COPY, READ),
        help="copy the tree from memory and sync; or read a copy as a whole, cold",
    ),
)

_METRICS = (
    Metric(name="tree_ns", unit="ns", better=Better.LOWER),
    Metric(name="used_bytes", unit="B", better=Better.LOWER),
    Metric(name="device_bytes", unit="B", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="used", name="used_bytes", unit="B"),
    Column(heading="device I/O", name="device_bytes", unit="B"),
    Column(heading="predicted", name="predicted_bytes", unit="B"),
    Column(heading="with tail", name="inline_tail_bytes", unit="B"),
)

_BARS = (
    Column(heading="copy, or read", name="tree_ns", unit="ns"),
    Column(heading="used of the file system", name="used_bytes", unit="B"),
    Column(heading="written to, or read of the device", name="device_bytes", unit="B"),
)


class InlineTail:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "inline-tail"
    summary = "copy and read a tree of small files on F2FS, with and without inline data"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars = _BARS
    curves: Curves | None = None
    picture: Picture | None = None
    rules = RULES
    operation = OPERATION
    set_up_parameters = frozenset({"inline"})
    is_ranked = False
    companion = shared.NO_COMPANION
    entrants = staticmethod(no_entrants)
    devices = staticmethod(shared.no_devices)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [
            {"inline": inline, "phase": phase} for phase in (COPY, READ) for inline in (False, True)
        ]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        return shared.complete(_PARAMETERS, chosen), []

    def label(self, parameters: Mapping[str, Value]) -> str:
        words = "inline_data" if parameters["inline"] else "noinline_data"
        return f"{parameters['phase']} {words}"

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedTree]:
        del cases
        if not target.is_this_machine:
            raise CannotMeasureError(
                "inline-tail: its file systems are made by a program of this machine (mkfs.f2fs), "
                f"and {target.name} is another",
                remedy="`loadstone lab run inline-tail` or --target local measures it",
            )
        load_file_system("f2fs")
        directory = scratch_directory(target, input)
        with (
            tree_in_memory(target, input, journal, directory, say) as tree,
            device_for(target, journal, directory, tree.inline) as device,
            contextlib.ExitStack() as mounted,
        ):
            yield PreparedTree(target, input, journal, directory, tree, device, mounted)


WORKLOAD = InlineTail()
