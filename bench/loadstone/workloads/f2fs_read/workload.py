"""f2fs-read: cold reads of a file on F2FS, plain and immutable, which has large folios read."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.model import (
    Case,
    Column,
    Curves,
    Input,
    Kind,
    Parameter,
    Picture,
    Value,
)
from loadstone.provision.journal import Journal
from loadstone.provision.removers import IMMUTABLE
from loadstone.provision.tunable import kept_tunable
from loadstone.targets import Say, Target
from loadstone.workloads import parameters as shared
from loadstone.workloads.cold_reads.cases import (
    MMAP,
    PATTERN_PARAMETER,
    RANDOM,
    READ_AHEAD_BYTES,
    READ_METRICS,
    SEQUENTIAL,
    SIZE_PARAMETERS,
    check_sizes,
    default_sizes,
    read_ahead_words,
    size_words,
)
from loadstone.workloads.cold_reads.trials import OPERATION
from loadstone.workloads.entrants import no_entrants
from loadstone.workloads.f2fs_read.errors import RULES
from loadstone.workloads.f2fs_read.file import read_file
from loadstone.workloads.f2fs_read.trials import (
    SET_UP_PARAMETERS,
    PreparedF2fsRead,
    why_not_immutable,
)

_BUFFERED, _DIRECT = "buffered", "direct"

_PARAMETERS = (
    Parameter(
        name="immutable",
        kind=Kind.FLAG,
        default=False,
        help="chattr +i: Linux 7.x reads such a file of F2FS into large folios",
    ),
    PATTERN_PARAMETER,
    Parameter(
        name="io",
        kind=Kind.CHOICE,
        default=_BUFFERED,
        choices=(_BUFFERED, _DIRECT),
        help="through the page cache, or around it (O_DIRECT)",
    ),
    *SIZE_PARAMETERS,
)

_COLUMNS = (
    Column(heading="p50 ms", name="read_ns", unit="ns"),
    Column(heading="p99 ms", name="read_p99_ns", unit="ns"),
    Column(heading="mean folio", name="folio_mean_bytes", unit="B"),
    Column(heading="amplification", name="amplification", unit="B/B"),
    Column(heading="CPU s/GB", name="cpu_s_per_gb", unit="s/GB"),
)

_BARS = (
    Column(heading="throughput", name="throughput", unit="GB/s"),
    Column(heading="CPU", name="cpu_s_per_gb", unit="s/GB"),
    Column(heading="mean folio", name="folio_mean_bytes", unit="B"),
)


class F2fsRead:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "f2fs-read"
    summary = "read a file of F2FS cold, plain or immutable: speed, latencies, folios, CPU"
    parameters = _PARAMETERS
    metrics = READ_METRICS
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
    devices = staticmethod(shared.no_devices)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        ways: tuple[dict[str, Value], ...] = (
            {"pattern": SEQUENTIAL},
            {"pattern": RANDOM},
            {"pattern": SEQUENTIAL, "io": _DIRECT},
        )
        return [{**way, "immutable": immutable} for way in ways for immutable in (False, True)]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        pattern = str(chosen.get("pattern", SEQUENTIAL))
        values = shared.complete(_PARAMETERS, chosen, default_sizes(pattern))
        check_sizes(values)
        remarks = []
        if pattern == MMAP:
            fallback: dict[str, Value] = {"io": _BUFFERED}
            remarks += shared.drop_meaningless(values, chosen, fallback, f"for pattern {MMAP}")
        if values["io"] == _DIRECT:
            fallback = {"read_ahead": READ_AHEAD_BYTES}
            remarks += shared.drop_meaningless(values, chosen, fallback, f"for io {_DIRECT}")
        return values, remarks

    def label(self, parameters: Mapping[str, Value]) -> str:
        pattern = str(parameters["pattern"])
        words = ["immutable" if parameters["immutable"] else "plain", pattern]
        words += shared.words_of_changed(_PARAMETERS, parameters, _words(parameters))
        words += size_words(parameters)
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedF2fsRead]:
        changes = any(case.parameters["immutable"] for case in cases)
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(read_file(target, input, journal, say))
            stack.enter_context(kept_tunable(target, journal, file.read_ahead_kb))
            why_not = None
            if changes:
                stack.enter_context(journal.registered(IMMUTABLE, file.path))
                why_not = why_not_immutable(target, file.path)
            yield PreparedF2fsRead(
                target, input, file, why_not, changes=changes and why_not is None
            )


def _words(parameters: Mapping[str, Value]) -> dict[str, str]:
    """What a label has of each parameter that is not at its default."""
    return {
        "io": str(parameters["io"]),
        "read_ahead": read_ahead_words(parameters),
    }


WORKLOAD = F2fsRead()
