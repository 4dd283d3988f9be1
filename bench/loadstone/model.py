"""The nouns: frozen, plain, and the same in memory, on disk and on the wire."""

import hashlib
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from loadstone.result_names import IMPORTED

Value = int | bool | str
"""What a parameter of a Case can be."""

Fact = Value | float | None
"""One fact about a Target; None where it is not known."""

SCHEMA_VERSION = 1

NO_ANSWER = "no answer"
"""How ``Outcome.crash`` begins where a Job took longer than it may."""


class Noun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every noun: immutable, built by keyword, strict about what it reads."""


class Kind(StrEnum):
    """The type of a parameter's values."""

    SIZE = "size"
    COUNT = "count"
    CHOICE = "choice"
    FLAG = "flag"


class Better(StrEnum):
    """Which way a metric improves."""

    HIGHER = "higher"
    LOWER = "lower"


class Status(StrEnum):
    """How a Trial ended."""

    OK = "ok"
    SKIPPED = "skipped"
    FAILED = "failed"
    INVALID = "invalid"


class Parameter(Noun, frozen=True, kw_only=True):
    """One axis of a Workload.

    ``default`` is None where it depends on the other parameters. ``choices`` may end in one
    open form, written ``prefix:NAME``, which takes any name after the colon, or ``prefix:PATH``,
    which takes any text there. ``is_added`` says that Runs were made before there was this
    parameter: at its default it is no part of a Case's id, so that those Runs are still compared
    Case by Case.
    """

    name: str
    kind: Kind
    help: str
    default: Value | None = None
    choices: tuple[str, ...] = ()
    minimum: int = 0
    is_added: bool = False


class Metric(Noun, frozen=True, kw_only=True):
    """A named figure of a Trial, with its unit (``B/s``, ``ns``, ``s/GB``, ``B``, ``count``)."""

    name: str
    unit: str
    better: Better


class Column(Noun, frozen=True, kw_only=True):
    """A column in the table of a Run, besides the metric that Cases are ranked by.

    ``name`` is that of a metric, of a counter of the evidence, or ``busy_ns``; ``unit`` is one
    that a Metric may have.
    """

    heading: str
    name: str
    unit: str


class Curves(Noun, frozen=True, kw_only=True):
    """What a report draws over the course of a Trial: a curve for each column, whose ``name`` is
    that of a series.

    ``about`` says what its equal parts are, and ``timed_from`` from which share of them on the
    Trial's figures are.
    """

    columns: tuple[Column, ...]
    about: str
    timed_from: float = 0.0


class Companion(Noun, frozen=True, kw_only=True):
    """Cases of another Workload that a Plan of one may have, on the same file, in the same rounds.

    ``parameter`` is what they are given by: each of its values is one Case, its parameters written
    as ``name=value``, in words. Where it is set, Cases of the Workload itself are made only if
    ``along_with`` is set, too. ``metrics`` are those of the Workload that a Trial of the other has
    by another name, which is their value. ``job_options`` are given to the Jobs of the other, where
    they have none of that name, so that its Trials leave those of the Workload as they would be
    alone. ``note`` is what to know where the two are compared.
    """

    workload: str
    parameter: Parameter
    along_with: str
    metrics: Mapping[str, str]
    job_options: Mapping[str, str]
    note: str


class AxisColumn(Column, frozen=True, kw_only=True):
    """A Column as an axis of a Picture, or as its colours; a parameter may be one, too.

    ``is_log`` asks for a logarithmic axis, which there is where all figures are above zero.
    """

    is_log: bool = False


class Picture(Noun, frozen=True, kw_only=True):
    """What a report draws of the Cases of a Run: a panel for each of ``y``.

    What ``x`` names decides how: a parameter with numbers is an axis, and Cases that differ in
    nothing else are a line; of any other parameter each value is a bar; a metric or a counter
    makes of each Case a point, whose place the two figures are.

    ``colour`` names the figure that a point's colour shows, ``facet`` the parameter of which each
    value has panels of its own. Of points, ``groups`` are the parameters whose values have a
    colour each, and are joined where they then differ in one parameter with numbers alone.
    """

    title: str
    x: AxisColumn
    y: tuple[AxisColumn, ...]
    colour: AxisColumn | None = None
    facet: str | None = None
    groups: tuple[str, ...] = ()


class Case(Noun, frozen=True, kw_only=True):
    """A Workload with every parameter fixed.

    ``knobs`` are tunables of the kernel, outside of the Workload, that are set for each Trial: by
    name, as the kernel writes their values. Or commands of the user's, each in square brackets,
    that are run before each Trial.
    """

    workload: str
    label: str
    parameters: Mapping[str, Value]
    id: str
    knobs: Mapping[str, str] = {}

    @staticmethod
    def of(
        workload: str,
        label: str,
        parameters: Mapping[str, Value],
        left_out: Collection[str] = (),
    ) -> "Case":
        """Make a Case; its id is a hash of the workload's name and the sorted parameters.

        Args:
            left_out: names of parameters that are no part of the id.
        """
        hashed = sorted(item for item in parameters.items() if item[0] not in left_out)
        text = msgspec.json.encode([workload, hashed])
        digest = hashlib.sha256(text).hexdigest()[:8]
        return Case(workload=workload, label=label, parameters=dict(parameters), id=digest)

    @property
    def axes(self) -> Mapping[str, Value]:
        """All that Cases may differ in: parameters, and knobs as ``knob.NAME``."""
        return {**self.parameters, **{f"knob.{name}": one for name, one in self.knobs.items()}}

    @property
    def commands(self) -> Mapping[str, str]:
        """The shell commands among the knobs, by name, without their brackets."""
        return {name: value[1:-1] for name, value in self.knobs.items() if value.startswith("[")}

    def with_knobs(self, knobs: Mapping[str, str], label: str) -> "Case":
        """The same Case with knobs set; another label and another id, unless there are none.

        Args:
            label: what its label has more.
        """
        if not knobs:
            return self
        text = msgspec.json.encode([self.id, sorted(knobs.items())])
        return Case(
            workload=self.workload,
            label=f"{self.label} {label}",
            parameters=self.parameters,
            id=hashlib.sha256(text).hexdigest()[:8],
            knobs=dict(knobs),
        )


class Input(Noun, frozen=True, kw_only=True):
    """What the Cases are run on, as the user named it; all paths are absolute.

    ``default_bytes`` is the size of a file to be made where none is given. ``devices`` are
    block devices to work on, each a path, or the name of simulated storage to be made; what a
    path of ``erase`` holds may be lost.
    """

    file: str | None = None
    directory: str | None = None
    size_bytes: int | None = None
    default_bytes: int | None = None
    devices: tuple[str, ...] = ()
    erase: tuple[str, ...] = ()


class Conditions(Noun, frozen=True, kw_only=True):
    """What holds for every Trial of a Plan besides its Case.

    ``pin`` are the CPUs that Jobs run on: ``big``, ``little``, or a list as the kernel writes
    them (``0-3,6``). ``cool_below_c`` is the temperature in °C that a Trial waits for.
    """

    pin: str | None = None
    cool_below_c: float | None = None


class StopRule(Noun, frozen=True, kw_only=True):
    """Rounds are added to a Plan's until every interval that counts is narrow.

    ``within`` is how far the ends of such an interval may be from its median, or ratio, as a share
    of that (0.02: ±2 %). There are at most ``most_rounds``, and none begins later than ``limit_s``
    after the first; None where time is no limit.
    """

    within: float
    most_rounds: int
    limit_s: float | None = None


class RaceRule(Noun, frozen=True, kw_only=True):
    """Cases leave a Plan when they are shown to be slower than the one that leads.

    All are ids of Cases, each of which may be skipped. ``first`` are in the race from its first
    round, the plainest first; ``neighbours`` are those that enter when a Case leads. ``plain`` are
    what a winner is held against: they are measured for a while in any case. ``ceilings`` load
    nothing: the fastest of them is what the device can do. ``finals`` are run once it is over, of
    the Case that won and of ``plain``. There are at most ``most_rounds``, and no Trial begins later
    than ``limit_s`` after the Run did; None where time is no limit.
    """

    first: tuple[str, ...]
    neighbours: Mapping[str, tuple[str, ...]] = {}
    plain: tuple[str, ...] = ()
    ceilings: tuple[str, ...] = ()
    finals: Mapping[str, tuple[str, ...]] = {}
    most_rounds: int = 100
    limit_s: float | None = None


class Plan(Noun, frozen=True, kw_only=True):
    """Cases × rounds, and the seed that fixes their order.

    ``pairs`` are ids of Cases that are there to be compared, the base first. With ``until`` the
    rounds are the fewest, and that rule says how many more there are. With ``race`` they are the
    most, and that rule says which Cases have which.
    """

    name: str
    workload: str
    cases: tuple[Case, ...]
    rounds: int
    warmups: int
    seed: int
    input: Input = msgspec.field(default=Input(), name="subject")
    conditions: Conditions = Conditions()
    pairs: tuple[tuple[str, str], ...] = ()
    until: StopRule | None = None
    race: RaceRule | None = None


class Step(Noun, frozen=True, kw_only=True):
    """One place in the order of a Plan: run this Case now."""

    case: Case
    round: int
    warmup: bool


class CoreError(Noun, frozen=True, kw_only=True):
    """What the core says of a step that did not work; ``code`` is a positive errno.

    ``offset`` is the byte position in the file, or -1 where there is none.
    """

    code: int
    step: str
    path: str
    offset: int = -1


class Span(Noun, frozen=True, kw_only=True):
    """A named stretch of a Trial on one lane (thread), in ns from the Trial's start."""

    name: str
    lane: int
    start_ns: int
    end_ns: int


class Histogram(Noun, frozen=True, kw_only=True):
    """Log-linear latency histogram: ``buckets`` maps a bucket's lower bound in ns to its count."""

    name: str
    count: int
    min_ns: int
    max_ns: int
    sum_ns: int
    buckets: Mapping[int, int]


class Job(Noun, frozen=True, kw_only=True):
    """What the native core is asked to do once: an operation, its options, and the kernel
    files whose text it must read right before and after the timed region.

    ``cpus`` is a list as the kernel writes them (``0-3,6``); None for those of the process.
    """

    operation: str
    options: Mapping[str, str]
    samples: tuple[str, ...] = ()
    timeout_s: float = 600.0
    cpus: str | None = None


class Outcome(Noun, frozen=True, kw_only=True):
    """What came of a Job. ``crash`` says how the worker ended where it did not answer.

    ``target_lost`` says that the Target itself is gone, and ``crash`` how that showed.
    """

    error: CoreError | None = None
    crash: str | None = msgspec.field(default=None, name="death")
    target_lost: bool = msgspec.field(default=False, name="lost")
    spans: tuple[Span, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    values: Mapping[str, int] = {}
    before: Mapping[str, str] = {}
    after: Mapping[str, str] = {}


class Finding(Noun, frozen=True, kw_only=True):
    """What a Workload makes of an Outcome: a status, why, what to do, figures and evidence.

    ``ends_run`` says that no later Trial of the Run could be worth more than this one.
    ``series`` is as in a Trial.
    """

    status: Status
    reason: str | None = None
    remedy: str | None = None
    metrics: Mapping[str, float] = {}
    evidence: Mapping[str, float] = {}
    notes: tuple[str, ...] = ()
    ends_run: bool = False
    series: Mapping[str, tuple[float, ...]] = {}


class Trial(Noun, frozen=True, kw_only=True):
    """One execution of one Case, as a line of ``trials.jsonl``.

    ``started`` is by the clock, which may be set; ``boottime_ns`` is CLOCK_BOOTTIME in the boot
    of that id, of the machine that wrote the line. Empty and 0 in Runs of before they were kept.
    """

    case: str
    round: int
    warmup: bool
    started: str
    status: Status
    reason: str | None = None
    remedy: str | None = None
    metrics: Mapping[str, float] = {}
    evidence: Mapping[str, float] = {}
    notes: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    overhead_ns: int = 0
    boot: str = ""
    boottime_ns: int = 0
    series: Mapping[str, tuple[float, ...]] = {}


class Environment(Noun, frozen=True, kw_only=True):
    """The facts about a Target at one time, by dotted name (``kernel.release``)."""

    target: str
    facts: Mapping[str, Fact]

    @property
    def is_imported(self) -> bool:
        """Whether another program measured what these facts are about."""
        return IMPORTED in self.facts


class Clock(Noun, frozen=True, kw_only=True):
    """What a lab guest's time is made of; a Run on a real machine has none.

    ``name`` is ``instructions`` or ``wall``; ``ns_per_instruction`` is None where time is not
    counted in them. ``calibration`` says what the guest took for known work: by name, in ns.
    """

    name: str
    accelerator: str | None = None
    ns_per_instruction: int | None = None
    processor: str | None = None
    calibration: Mapping[str, float] = {}


class Manifest(Noun, frozen=True, kw_only=True):
    """The head of a Run: all that is known before the first Trial.

    ``sequence`` counts the Runs of a results directory, and ``series`` is the same for all that
    are counted together; 0 and empty in Runs of before they were counted. ``created``, ``boot``
    and ``boottime_ns`` are as in a Trial.
    """

    schema: int
    id: str
    created: str
    plan: Plan
    metrics: tuple[Metric, ...]
    environment: Environment
    loadstone: str
    core: str
    sequence: int = 0
    series: str = ""
    boot: str = ""
    boottime_ns: int = 0


class Run(Noun, frozen=True, kw_only=True):
    """One directory: the manifest and the Trials that have ended."""

    manifest: Manifest
    trials: tuple[Trial, ...]
    path: Path

    @property
    def id(self) -> str:
        """The Run's name, which is that of its directory."""
        return self.manifest.id
