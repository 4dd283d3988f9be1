"""folio-write: how fast data are written, by the size of a write and the folios that take it."""

import contextlib
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from loadstone.errors import UsageError
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
from loadstone.provision.file_system import PACKAGES
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import refuse_own_file, scratch_directory
from loadstone.targets import Say, Target
from loadstone.units import format_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.entrants import no_entrants
from loadstone.workloads.folio_write.errors import RULES
from loadstone.workloads.folio_write.place import DEFAULT_OPTIONS, EXISTING_FS, write_places
from loadstone.workloads.folio_write.trials import OPERATION, SET_UP_PARAMETERS, PreparedWrite

_DEFAULT_TOTAL = 64 << 20
# As in the core.
_MOST = {"threads": 256, "depth": 4096}
_DEFAULT_ENGINE = "pwrite"
# By engine. Source: of uring that of the talk, CLK 2024.
_DEPTHS = {"pwrite": 1, "uring": 16}
# Names by which mkfs and mount find a device.
_TAGS = ("UUID", "LABEL", "PARTUUID", "PARTLABEL", "ID")

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
        name="engine",
        kind=Kind.CHOICE,
        default=_DEFAULT_ENGINE,
        choices=tuple(_DEPTHS),
        is_added=True,
        help="one pwrite(2) after the other, or by io_uring with several in flight",
    ),
    Parameter(
        name="depth",
        kind=Kind.COUNT,
        minimum=1,
        is_added=True,
        help="writes in flight of each thread's ring (uring) [16 for uring]",
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
    Parameter(
        name="threads",
        kind=Kind.COUNT,
        default=1,
        minimum=1,
        help="how many share the writes, each in a part of the file; all append to its end",
    ),
    Parameter(
        name="prealloc",
        kind=Kind.CHOICE,
        default="none",
        choices=("none", "fallocate"),
        help="whether the file system sets the space aside before the first write",
    ),
    Parameter(
        name="payload",
        kind=Kind.CHOICE,
        default="random",
        choices=(
            *("random", "zero", "same-filled", "text", "pointer", "fp16", "half", "bf16", "int4"),
        ),
        help="what is written; random is what no file system compresses",
    ),
    Parameter(
        name="fs",
        kind=Kind.CHOICE,
        default=EXISTING_FS,
        choices=(EXISTING_FS, *PACKAGES),
        help="in --dir as it is, or on a file system that is made on a loop device (root)",
    ),
    Parameter(
        name="mkfs",
        kind=Kind.CHOICE,
        default=DEFAULT_OPTIONS,
        help="options of mkfs for fs, quoted as for a shell, such as '-b 1024'",
    ),
    Parameter(
        name="mount",
        kind=Kind.CHOICE,
        default=DEFAULT_OPTIONS,
        help="options of mount for fs, such as noatime",
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

_PICTURE = Picture(
    title="Throughput by the size of a write",
    x=AxisColumn(heading="size of a write", name="size", unit="B", is_log=True),
    y=(AxisColumn(heading="throughput", name="throughput", unit="B/s"),),
    colour=AxisColumn(heading="mean folio", name="folio_mean_bytes", unit="B", is_log=True),
)

_DEFAULT_SIZES = (4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20)


class FolioWrite:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "folio-write"
    summary = "write a file in pieces of a size, and tell which folios of the page cache took them"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars: tuple[Column, ...] = ()
    curves: Curves | None = None
    picture: Picture | None = _PICTURE
    rules = RULES
    operation = OPERATION
    set_up_parameters = SET_UP_PARAMETERS
    is_ranked = True
    companion = shared.NO_COMPANION
    entrants = staticmethod(no_entrants)
    devices = staticmethod(shared.no_devices)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [{"size": size} for size in _DEFAULT_SIZES]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        engine = str(chosen.get("engine", _DEFAULT_ENGINE))
        values = shared.complete(_PARAMETERS, chosen, {"depth": _DEPTHS[engine]})
        _check(values)
        remarks = []
        if engine == _DEFAULT_ENGINE:
            only = {"depth": _DEPTHS[engine]}
            remarks += shared.drop_meaningless(values, chosen, only, f"for engine {engine}")
        if values["pattern"] == "overwrite":
            fallback = {"prealloc": "none"}
            remarks += shared.drop_meaningless(values, chosen, fallback, "for pattern overwrite")
        if values["fs"] == EXISTING_FS:
            fallbacks = {"mkfs": DEFAULT_OPTIONS, "mount": DEFAULT_OPTIONS}
            where = f"for fs {EXISTING_FS}"
            remarks += shared.drop_meaningless(values, chosen, fallbacks, where)
        return values, remarks

    def label(self, parameters: Mapping[str, Value]) -> str:
        words = [_size_words(parameters), str(parameters["pattern"])]
        words += shared.words_of_changed(_PARAMETERS, parameters, _words(parameters))
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedWrite]:
        refuse_own_file(self.name, input, "--set total=SIZE says how much is written")
        directory = scratch_directory(target, input)
        with write_places(target, input, cases, journal, say) as places:
            yield PreparedWrite(target, input, str(directory), places)


def _size_words(parameters: Mapping[str, Value]) -> str:
    size = format_bytes(int(parameters["size"]))
    return size if parameters["engine"] == _DEFAULT_ENGINE else f"{size}×{parameters['depth']}"


def _words(parameters: Mapping[str, Value]) -> dict[str, str]:
    """What a label has of each parameter that is not at its default."""
    return {
        "engine": str(parameters["engine"]),
        "io": str(parameters["io"]),
        "sync": f"sync {parameters['sync']}",
        "threads": f"{parameters['threads']} threads",
        "prealloc": "preallocated",
        "payload": str(parameters["payload"]),
        "total": f"of {format_bytes(int(parameters['total']))}",
        "fs": f"on {parameters['fs']}",
        "mkfs": f"mkfs {parameters['mkfs']}",
        "mount": f"mount {parameters['mount']}",
    }


def _check(parameters: Mapping[str, Value]) -> None:
    sync = str(parameters["sync"])
    if ":" in sync and not re.fullmatch(r"every:[1-9][0-9]{0,8}", sync):
        raise UsageError(f"sync: {sync!r} has no count", remedy="write every:N, such as every:16")
    for name, most in _MOST.items():
        if int(parameters[name]) > most:
            raise UsageError(
                f"{name}: {parameters[name]} is too many", remedy=f"write {most} or less"
            )
    for name in ("mkfs", "mount"):
        _refuse_places(name, str(parameters[name]))


def _refuse_places(name: str, options: str) -> None:
    """mkfs writes to any device that its options name, mount to journals elsewhere."""
    if not options.isprintable():
        raise UsageError(
            f"{name}: {options!r} has characters that cannot be shown", remedy="leave them out"
        )
    try:
        words = shlex.split(options)
    except ValueError as error:
        raise UsageError(
            f"{name}: {options!r}: {error}", remedy="quote it as for a shell"
        ) from None
    parts = (part for word in words for part in re.split("[,=]", word))
    for part in parts:
        if "/" in part or part in _TAGS or os.path.lexists(part):
            raise UsageError(
                f"{name}: {part!r} may be a file or a device, and Loadstone writes only to those "
                "that it made",
                remedy="leave it out",
            )


WORKLOAD = FolioWrite()
