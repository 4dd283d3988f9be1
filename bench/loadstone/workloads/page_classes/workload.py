"""page-classes: what compressing a page costs and saves, by what the page holds."""

import contextlib
import stat
from collections.abc import Iterator, Mapping, Sequence

from loadstone.core.remote_files import stat_file
from loadstone.errors import UsageError, system_words
from loadstone.model import (
    AxisColumn,
    Better,
    Case,
    Column,
    CoreError,
    Curves,
    Input,
    Kind,
    Metric,
    Parameter,
    Picture,
    Value,
)
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import refuse_own_file
from loadstone.targets import Say, Target
from loadstone.text import printable
from loadstone.units import format_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.entrants import no_entrants
from loadstone.workloads.page_classes.devices import OPERATION, page_devices
from loadstone.workloads.page_classes.errors import RULES
from loadstone.workloads.page_classes.trials import SET_UP_PARAMETERS, SWAP, PreparedPages

_FILE = "file:"
_DEFAULT_CLASSES = ("zero", "half", "text", "pointers", "fp16", "random")

_PARAMETERS = (
    Parameter(
        name="class",
        kind=Kind.CHOICE,
        default="text",
        choices=(
            *("zero", "same", "half", "text", "pointers", "fp16", "bf16", "int4", "random"),
            "file:PATH",
        ),
        help="what the pages hold; those of a file lie evenly spread in it",
    ),
    Parameter(
        name="algorithm",
        kind=Kind.CHOICE,
        default="lz4",
        help="by the kernel's name, as in /sys/block/zram0/comp_algorithm",
    ),
    Parameter(
        name="level",
        kind=Kind.COUNT,
        default=0,
        help="of the algorithm, for lz4 its acceleration; 0: its own (others: Linux 6.12)",
    ),
    Parameter(
        name="path",
        kind=Kind.CHOICE,
        default="block",
        choices=("block", SWAP),
        help="written to a zram device and read; or swapped out to one, and faulted in",
    ),
    Parameter(
        name="thp",
        kind=Kind.FLAG,
        default=False,
        help="with path swap: a huge page at a time, instead of page by page",
    ),
    Parameter(
        name="total",
        kind=Kind.SIZE,
        default=8 << 20,
        minimum=4096,
        help="bytes of pages, each of the machine's size",
    ),
    Parameter(
        name="other_swap",
        kind=Kind.FLAG,
        default=False,
        help="with path swap: also where the machine has swap, and others' pages may come to ours",
    ),
)

_METRICS = (
    Metric(name="saved_speed", unit="MB/s", better=Better.HIGHER),
    Metric(name="compress_ns", unit="ns/page", better=Better.LOWER),
    Metric(name="compress_p99_ns", unit="ns/page", better=Better.LOWER),
    Metric(name="compress_p999_ns", unit="ns/page", better=Better.LOWER),
    Metric(name="decompress_ns", unit="ns/page", better=Better.LOWER),
    Metric(name="decompress_p99_ns", unit="ns/page", better=Better.LOWER),
    Metric(name="decompress_p999_ns", unit="ns/page", better=Better.LOWER),
    Metric(name="stored_ratio", unit="B/B", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="stored", name="stored_ratio", unit="B/B"),
    Column(heading="ZHP share", name="zhp_share", unit="count"),
    Column(heading="compress p50 ns", name="compress_ns", unit="ns/page"),
    Column(heading="compress p99 ns", name="compress_p99_ns", unit="ns/page"),
    Column(heading="decompress p50 ns", name="decompress_ns", unit="ns/page"),
    Column(heading="decompress p99 ns", name="decompress_p99_ns", unit="ns/page"),
)

_PICTURE = Picture(
    title="What each class of pages costs and saves",
    x=AxisColumn(heading="class", name="class", unit="count"),
    y=(
        AxisColumn(heading="compress, p50", name="compress_ns", unit="ns/page"),
        AxisColumn(heading="decompress, p50", name="decompress_ns", unit="ns/page"),
        AxisColumn(heading="stored of a page", name="stored_ratio", unit="B/B"),
        AxisColumn(heading="saved-size speed", name="saved_speed", unit="MB/s"),
    ),
)


class PageClasses:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "page-classes"
    summary = "compress memory by zram, page by page: what each class of pages costs and saves"
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
    devices = staticmethod(shared.no_devices)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [{"class": name} for name in _DEFAULT_CLASSES]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        values = shared.complete(_PARAMETERS, chosen)
        _check_file(str(values["class"]))
        remarks = []
        if values["path"] != SWAP:
            fallbacks: dict[str, Value] = {"thp": False, "other_swap": False}
            where = f"for path {values['path']}"
            remarks += shared.drop_meaningless(values, chosen, fallbacks, where)
        return values, remarks

    def label(self, parameters: Mapping[str, Value]) -> str:
        words = [str(parameters["class"]), str(parameters["algorithm"])]
        words += shared.words_of_changed(_PARAMETERS, parameters, _words(parameters))
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedPages]:
        refuse_own_file(self.name, input, "--set class=file:PATH takes the pages of a file")
        facts = _facts_of_files(target, cases)
        with (
            page_devices(target, cases, journal, say) as devices,
            contextlib.ExitStack() as swap,
        ):
            yield PreparedPages(target, input, journal, devices, facts, swap)


def _words(parameters: Mapping[str, Value]) -> dict[str, str]:
    """What a label has of each parameter that is not at its default."""
    return {
        "level": f"level {parameters['level']}",
        "path": str(parameters["path"]),
        "thp": "in huge pages",
        "total": f"of {format_bytes(int(parameters['total']))}",
        "other_swap": "beside other swap",
    }


def _check_file(name: str) -> None:
    path = name.removeprefix(_FILE)
    if path != name and not (path.startswith("/") and path.isprintable()):
        raise UsageError(
            f"class: {printable(name)} names no absolute path", remedy="write file:/PATH"
        )


def _facts_of_files(target: Target, cases: Sequence[Case]) -> dict[str, Value]:
    """The size of the file that pages are of, where it is one.

    Raises:
        UsageError: one is no file that can be read.
    """
    names = dict.fromkeys(str(case.parameters["class"]) for case in cases)
    paths = [name.removeprefix(_FILE) for name in names if name.startswith(_FILE)]
    sizes = [_file_bytes(target, path) for path in paths]
    return {"file.bytes": sizes[0]} if len(sizes) == 1 else {}


def _file_bytes(target: Target, path: str) -> int:
    found = stat_file(target.execute, path)
    if isinstance(found, CoreError):
        words = system_words(found.code)
    elif not stat.S_ISREG(found.type):
        words = "it is no regular file"
    elif found.readable:
        words = system_words(found.readable)
    else:
        return found.file_bytes
    raise UsageError(
        f"class: {printable(path)}: {words}", remedy="name a file of memory, or of a model"
    )


WORKLOAD = PageClasses()
