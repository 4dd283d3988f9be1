"""folio-write: how fast data are written, by the size of a write and the folios that take it."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence

from loadstone.errors import UsageError
from loadstone.journal import Journal
from loadstone.model import Better, Case, Column, Kind, Metric, Parameter, Subject, Value
from loadstone.prepared_write import PreparedWrite
from loadstone.scratch_file import (
    Say,
    make_file,
    refuse_own_file,
    require_room,
    scratch_directory,
    scratch_file,
)
from loadstone.targets import Target
from loadstone.units import format_bytes

_DEFAULT_TOTAL = 64 << 20
_SMALLER = "--set total to less, or name another --dir"

_PARAMETERS = (
    Parameter(name="size", kind=Kind.SIZE, default=1 << 20, minimum=512, help="bytes of one write"),
    Parameter(
        name="total",
        kind=Kind.SIZE,
        default=_DEFAULT_TOTAL,
        minimum=512,
        help="bytes written in all, in whole writes",
    ),
    Parameter(
        name="pattern",
        kind=Kind.CHOICE,
        default="fresh",
        choices=("fresh", "overwrite", "append"),
        help="to a new file; over one that is on disk and not cached; with O_APPEND behind it",
    ),
    Parameter(
        name="sync",
        kind=Kind.CHOICE,
        default="end",
        choices=("end", "none", "every:N"),
        help="fsync after the last write, never, or after each N writes and the last",
    ),
    Parameter(
        name="io",
        kind=Kind.CHOICE,
        default="buffered",
        choices=("buffered", "dontcache", "dsync", "direct"),
        help="through the page cache, that with RWF_DONTCACHE or O_DSYNC, or O_DIRECT around it",
    ),
)

_METRICS = (
    Metric(name="throughput", unit="B/s", better=Better.HIGHER),
    Metric(name="durable_ns", unit="ns", better=Better.LOWER),
    Metric(name="write_ns", unit="ns", better=Better.LOWER),
    Metric(name="cpu_per_gb", unit="s/GB", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="written ms", name="write_ns", unit="ns"),
    Column(heading="durable ms", name="durable_ns", unit="ns"),
    Column(heading="CPU s/GB", name="cpu_per_gb", unit="s/GB"),
    Column(heading="mean folio", name="folio_mean_bytes", unit="B"),
    Column(heading="left dirty", name="dirty_bytes", unit="B"),
)

_DEFAULT_SIZES = (4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20)


class FolioWrite:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "folio-write"
    summary = "write a file in pieces of a size, and tell which folios of the page cache took them"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    has_rivals = True

    def devices(self, subject: Subject, cases: Sequence[Case]) -> tuple[int, ...]:
        del subject, cases
        return ()

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [{"size": size} for size in _DEFAULT_SIZES]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        parameters = {one.name: chosen.get(one.name, one.default or 0) for one in _PARAMETERS}
        sync = str(parameters["sync"])
        if ":" in sync and not re.fullmatch(r"every:[1-9][0-9]{0,8}", sync):
            raise UsageError(f"sync: {sync!r} has no count; write every:N, such as every:16")
        return parameters, []

    def label(self, parameters: Mapping[str, Value]) -> str:
        total = int(parameters["total"])
        words = [format_bytes(int(parameters["size"])), str(parameters["pattern"])]
        words += [str(parameters["io"])] if parameters["io"] != "buffered" else []
        words += [f"sync {parameters['sync']}"] if parameters["sync"] != "end" else []
        words += [f"of {format_bytes(total)}"] if total != _DEFAULT_TOTAL else []
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, subject: Subject, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedWrite]:
        del say
        refuse_own_file(self.name, subject, "--set total=SIZE says how much is written")
        directory = scratch_directory(target, subject)
        require_room(directory, max(map(_most_bytes, cases), default=0), _SMALLER)
        with scratch_file(target, journal, "write", directory) as file:
            # Whether one may be made here is known before the Run begins.
            make_file(target, file, 0)
            yield PreparedWrite(target, subject, str(directory), file)


def _most_bytes(case: Case) -> int:
    """The size of the Case's file in the end, if it is one that can be."""
    size, total = int(case.parameters["size"]), int(case.parameters["total"])
    if size > total:
        return 0
    return total + size if case.parameters["pattern"] == "append" else total


WORKLOAD = FolioWrite()
