"""command: a loader of the user's own, by any shell command, held to the standard of model-load."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.model import (
    Better,
    Case,
    Column,
    Companion,
    Curves,
    Input,
    Kind,
    Metric,
    Parameter,
    Picture,
    Value,
)
from loadstone.provision.journal import Journal
from loadstone.provision.model_file import model_file
from loadstone.result_names import READY_NS
from loadstone.targets import Say, Target
from loadstone.text import shortened
from loadstone.workloads import parameters as shared
from loadstone.workloads.command.errors import RULES
from loadstone.workloads.command.placeholder import FILE, check_placeholder
from loadstone.workloads.command.trials import (
    LOADING_NS,
    LOADING_THROUGHPUT,
    OPERATION,
    PreparedCommand,
)
from loadstone.workloads.entrants import no_entrants

_READ = f"cat {FILE} > /dev/null"
_READ_LARGE = f"dd if={FILE} of=/dev/null bs=1M"
_DIGITS = 4
# An interpreter, a script and the file.
_LONGEST = 40

_PARAMETERS = (
    Parameter(
        name="command",
        kind=Kind.CHOICE,
        default=_READ,
        help=f"for the shell; {FILE} stands for the file's path, quoted, and LOADSTONE_MODEL has "
        r"it; a comma is written \,",
    ),
    Parameter(
        name="cache",
        kind=Kind.CHOICE,
        default="cold",
        choices=("cold", "warm", "as-is"),
        help="page cache before the Trial: gone and proven gone, resident and proven so, or as is",
    ),
    Parameter(
        name="ready",
        kind=Kind.CHOICE,
        default="exit",
        choices=("exit", "said"),
        help="what ends the timed region: the command's end; or its line `loadstone: ready`, or "
        "anything on the descriptor LOADSTONE_READY_FD",
    ),
    Parameter(
        name="limit",
        kind=Kind.COUNT,
        default=600,
        minimum=1,
        help="seconds after which the command is killed, and the Trial failed",
    ),
)

_METRICS = (
    Metric(name="throughput", unit="B/s", better=Better.HIGHER),
    Metric(name=READY_NS, unit="ns", better=Better.LOWER),
    Metric(name=LOADING_NS, unit="ns", better=Better.LOWER),
    Metric(name=LOADING_THROUGHPUT, unit="B/s", better=Better.HIGHER),
    Metric(name="cpu_per_gb", unit="s/GB", better=Better.LOWER),
    Metric(name="peak_memory_bytes", unit="B", better=Better.LOWER),
)

_COLUMNS = (
    Column(heading="ready ms", name=READY_NS, unit="ns"),
    Column(heading="loading ms", name=LOADING_NS, unit="ns"),
    Column(heading="loading GB/s", name=LOADING_THROUGHPUT, unit="B/s"),
    Column(heading="CPU s/GB", name="cpu_per_gb", unit="s/GB"),
    Column(heading="peak memory", name="peak_memory_bytes", unit="B"),
    Column(heading="faults", name="minor_faults", unit="count"),
    Column(heading="left in cache", name="cached_after_bytes", unit="B"),
    Column(heading="device read", name="block.read_bytes", unit="B"),
)


_COMPANION = Companion(
    workload="model-load",
    parameter=Parameter(
        name="own",
        kind=Kind.CHOICE,
        help="Cases of model-load beside the commands, each its parameters in words: "
        "'engine=uring io=direct block=512KiB'; without `command` these alone",
    ),
    along_with="command",
    # A load within the process has no start-up.
    metrics={LOADING_NS: READY_NS, LOADING_THROUGHPUT: "throughput"},
    # A command that comes next would have to read its own programs from the disk.
    job_options={"drop": "file"},
    note="Cases of model-load have no start-up, and in a command's GB/s it is: hold them against "
    f"each other by {LOADING_THROUGHPUT}, which a command has that prints `loadstone: loading`",
)


class Command:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "command"
    summary = "time loaders of your own, each a shell command, on a file that is proven cold"
    parameters = _PARAMETERS
    metrics = _METRICS
    columns = _COLUMNS
    bars: tuple[Column, ...] = ()
    curves: Curves | None = None
    picture: Picture | None = None
    rules = RULES
    operation = OPERATION
    set_up_parameters = shared.NO_PARAMETERS
    is_ranked = True
    companion: Companion | None = _COMPANION
    entrants = staticmethod(no_entrants)
    devices = staticmethod(shared.no_devices)

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return [{"command": _READ}, {"command": _READ_LARGE}]

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        values = shared.complete(_PARAMETERS, chosen)
        check_placeholder(str(values["command"]))
        return values, []

    def label(self, parameters: Mapping[str, Value]) -> str:
        words = [_command_words(str(parameters["command"]))]
        return " ".join(
            [*words, *shared.words_of_changed(_PARAMETERS, parameters, _words(parameters))]
        )

    @contextlib.contextmanager
    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator[PreparedCommand]:
        del cases
        with model_file(target, input, journal, say) as file:
            yield PreparedCommand(target, input, file)


def _command_words(command: str) -> str:
    """Shortened; commands that are shortened to the same are told apart by a few digits."""
    words = shortened(command, _LONGEST)
    if words == command:
        return words
    digest = hashlib.sha256(command.encode(errors="surrogateescape")).hexdigest()
    return f"{words} #{digest[:_DIGITS]}"


def _words(parameters: Mapping[str, Value]) -> dict[str, str]:
    """What a label has of each parameter that is not at its default."""
    return {
        "cache": str(parameters["cache"]),
        "ready": f"ready {parameters['ready']}",
        "limit": f"limit {parameters['limit']} s",
    }


WORKLOAD = Command()
