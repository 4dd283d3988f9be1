"""Facts about a Run as text, for the head of a report."""

from collections.abc import Iterator, Sequence

from loadstone.analysis import time_base
from loadstone.analysis.coverage import Coverage, coverage, state_words
from loadstone.analysis.stopping import rounds_made
from loadstone.model import Clock, Noun, Run, Status
from loadstone.plan.order import conditions_words
from loadstone.plan.race import race_words
from loadstone.plan.stop_rule import rule_words
from loadstone.result_names import IMPORTED, IMPORTED_HOST, IMPORTED_TIME, IMPORTED_VERSION
from loadstone.runs.resuming import missing_steps
from loadstone.units import format_bytes_rounded

# What differs between any two Runs.
_NEVER_THE_SAME = frozenset(
    {
        *("kernel.boot_id", "load.1min", "memory.available_bytes", "clock.step_ns"),
        *("memory.cgroup", "memory.cgroup_available_bytes", "memory.cgroup_narrowest_file"),
        *("heat.zones", "battery.temperature_mc", "battery.level_percent"),
    }
)
_STORAGE = "storage."
_PHONE = ("phone.manufacturer", "phone.model", "phone.soc", "android.security_patch")
_DISK = ("disk.vendor", "disk.model", "disk.revision")
_PROFILE, _DRIVER = "storage.profile", "storage.driver"


class NamedText(Noun, frozen=True, kw_only=True):
    """A name and what is known under it."""

    name: str
    text: str


class DifferingFact(Noun, frozen=True, kw_only=True):
    """A fact that Runs do not share, with its text in each of them."""

    name: str
    texts: tuple[str, ...]


class Trouble(Noun, frozen=True, kw_only=True):
    """Why Trials of a Case gave no figures; ``rounds`` says which they were."""

    label: str
    status: Status
    reason: str
    remedy: str | None
    rounds: str


def head(run: Run) -> list[NamedText]:
    """The facts that decide the figures, as far as they are known."""
    manifest = run.manifest
    return [
        *(NamedText(name=name, text=text) for name, text in _known(run) if text),
        NamedText(name="Plan", text=_plan_text(run)),
        NamedText(
            name="Imported" if manifest.environment.is_imported else "Begun",
            text=_time_text(manifest.created),
        ),
        NamedText(
            name="Loadstone",
            text=_joined(manifest.loadstone, manifest.core and f"core {manifest.core[:12]}"),
        ),
    ]


def imported_words(run: Run) -> str:
    """Which program measured a Run, when, and where if it said so; empty of one of our own."""
    known = run.manifest.environment.facts
    if not run.manifest.environment.is_imported:
        return ""
    named = " ".join(str(known[name]) for name in (IMPORTED, IMPORTED_VERSION) if name in known)
    when, where = known.get(IMPORTED_TIME), known.get(IMPORTED_HOST)
    at = f" at {_time_text(str(when))}" if when else ""
    return f"measured by {named}{at}{f' on {where}' if where else ''}"


def _time_text(moment: str) -> str:
    return moment.replace("T", " ").split("+")[0][:19] + " UTC"


def lab_lines(run: Run) -> Iterator[str]:
    """What is shown above figures of the lab: their clock, storage and guest."""
    if clocked := clock_line(run):
        lines = (("clock", clocked), ("storage", _storage(run)), ("guest", _guest(run)))
        yield from (f"{name}: {text}" for name, text in lines if text)


def clock_line(run: Run) -> str | None:
    """What the figures of a lab Run are counted in, and what that makes of their units."""
    found = time_base.clock_of(run.manifest.environment)
    if found is None:
        return None
    note = time_base.units_note(found)
    return time_base.words(found) + (f"; {note}" if note else "")


def environment(run: Run) -> list[NamedText]:
    """Everything that was recorded about the Target."""
    facts = run.manifest.environment.facts
    return [NamedText(name=name, text=_fact_text(run, name)) for name in sorted(facts)]


def differing_facts(runs: Sequence[Run]) -> list[DifferingFact]:
    """The facts in which Runs differ, those aside that never are the same twice."""
    names = sorted(
        {name for run in runs for name in run.manifest.environment.facts} - _NEVER_THE_SAME
    )
    found = [
        DifferingFact(name="target", texts=tuple(run.manifest.environment.target for run in runs)),
        DifferingFact(name="loadstone", texts=tuple(run.manifest.loadstone for run in runs)),
        DifferingFact(name="core", texts=tuple(run.manifest.core[:12] for run in runs)),
        *(
            DifferingFact(name=name, texts=tuple(_fact_text(r, name) for r in runs))
            for name in names
        ),
    ]
    return [difference for difference in found if len(set(difference.texts)) > 1]


def uneven_cases(runs: Sequence[Run]) -> list[DifferingFact]:
    """The Cases of several Runs that not all of these measured without a failed Trial.

    Those that no Run has a figure of, or that were there to be measured in one Run alone, are
    left out: the Runs' own sections tell of them.
    """
    covered = [coverage(run, next(iter(run.manifest.metrics), None)) for run in runs]
    labels = {case.id: case.label for cases in covered for case in cases.values()}
    return [
        DifferingFact(name=label, texts=tuple(_what_came(cases.get(id_)) for cases in covered))
        for id_, label in labels.items()
        if _is_uneven([cases[id_] for cases in covered if id_ in cases])
    ]


def _is_uneven(cases: Sequence[Coverage]) -> bool:
    is_bad = any(not case.is_measured or case.state.failed for case in cases)
    return len(cases) > 1 and is_bad and any(case.is_measured for case in cases)


def _what_came(case: Coverage | None) -> str:
    if case is None:
        return "not in its plan"
    return state_words(case.state) or f"{case.state.trials} Trials"


def missing_trials(run: Run) -> int:
    """How many Trials the Plan has that were not carried out; skipped Cases lack none.

    Of rounds that were added those count that have begun; of a race the next one. An imported Run
    is what there was.
    """
    plan = run.manifest.plan
    if run.manifest.environment.is_imported:
        return 0
    if plan.race is not None:
        return len(missing_steps(run.manifest, run.trials))
    rounds = plan.rounds if plan.until is None else max(plan.rounds, rounds_made(run.trials))
    skipped = {trial.case for trial in run.trials if trial.status is Status.SKIPPED}
    wanted = (rounds + plan.warmups) * sum(case.id not in skipped for case in plan.cases)
    return wanted - sum(trial.case not in skipped for trial in run.trials)


def troubles(run: Run) -> list[Trouble]:
    """Every reason for which Trials do not count, once a Case: skipped, failed, then invalid."""
    labels = {case.id: case.label for case in run.manifest.plan.cases}
    rounds: dict[tuple[str, Status, str, str | None], list[str]] = {}
    for status in (Status.SKIPPED, Status.FAILED, Status.INVALID):
        for trial in run.trials:
            if trial.status is status:
                key = (trial.case, status, trial.reason or "no reason given", trial.remedy)
                number = "warm-up" if trial.warmup else str(trial.round + 1)
                rounds.setdefault(key, []).append(number)
    return [
        Trouble(
            label=labels[case],
            status=status,
            reason=reason,
            remedy=remedy,
            rounds="" if status is Status.SKIPPED else ", ".join(dict.fromkeys(numbers)),
        )
        for (case, status, reason, remedy), numbers in rounds.items()
    ]


def _fact_text(run: Run, name: str) -> str:
    value = run.manifest.environment.facts.get(name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else str(value)


def _known(run: Run) -> Iterator[tuple[str, str]]:
    facts = run.manifest.environment.facts

    def text(name: str, form: str = "{}") -> str:
        value = facts.get(name)
        return "" if value in (None, "") else form.format(value)

    def size(name: str, form: str = "{}") -> str:
        value = facts.get(name)
        return form.format(format_bytes_rounded(value)) if isinstance(value, int) else ""

    yield "Origin", imported_words(run)
    if found := time_base.clock_of(run.manifest.environment):
        yield "Calibration", _calibration(found)
    yield "Guest", _guest(run)
    yield "Storage", _storage(run)
    yield "Phone", _joined(*map(text, _PHONE), text("android.version", "Android {}"))
    virtual = "virtual machine" if facts.get("cpu.is_virtual") else ""
    processor = " × ".join(filter(None, (text("cpu.model"), text("cpu.count"))))
    yield "Machine", _joined(processor, size("memory.total_bytes", "{} of memory"), virtual)
    yield "CPUs", _joined(text("cpu.clusters"), text("cpu.pinned", "pinned: {}"))
    yield "Heat", _joined(*map(text, ("heat.zones", "heat.cooling")))
    yield "Kernel", _joined(text("kernel.release", "Linux {}"), text("machine.architecture"))
    yield "File system", _joined(text("fs.type"), text("fs.options"), text("fs.mkfs", "made by {}"))
    yield (
        "Device",
        _joined(
            text("block.names") or text("block.name"),
            text("block.model"),
            text("block.scheduler", "scheduler {}"),
            text("block.read_ahead_kb", "read-ahead {} KiB"),
        ),
    )
    ufs = text("ufs.specification", "UFS {}")
    unseen = text("cache.unseen", "not looked through: {}")
    yield "Beneath", _joined(text("block.stack"), *map(text, _DISK), ufs, unseen)
    yield "Cached below", text("cache.below")
    made = "made for this Run" if facts.get("file.is_made") else ""
    file = text("file.path") or (run.manifest.plan.input.file or "")
    yield "File", _joined(file, size("file.bytes"), text("file.crc32c", "crc32c {}"), made)


def _storage(run: Run) -> str:
    """The simulated device: its profile, driver, and every parameter by its configfs name."""
    known = run.manifest.environment.facts
    parameters = (
        f"{name.removeprefix(_STORAGE)} {_fact_text(run, name)}"
        for name in sorted(known)
        if name.startswith(_STORAGE) and name not in (_PROFILE, _DRIVER)
    )
    names = (str(known[name]) for name in (_PROFILE, _DRIVER) if known.get(name))
    return _joined(*names, *parameters)


def _guest(run: Run) -> str:
    """What made the virtual machine: the kernel's package, QEMU, memory, boots."""
    known = run.manifest.environment.facts
    memory = known.get("lab.memory_bytes")
    boots = known.get("lab.boots")
    package = " ".join(
        str(known[name]) for name in ("lab.package", "lab.package_version") if known.get(name)
    )
    return _joined(
        f"kernel {known['lab.kernel']}" if known.get("lab.kernel") else "",
        f"from {package}" if package else "",
        f"QEMU {known['lab.qemu']}" if known.get("lab.qemu") else "",
        f"virtme-ng {known['lab.virtme']}" if known.get("lab.virtme") else "",
        f"{format_bytes_rounded(memory)} of memory" if isinstance(memory, int) else "",
        f"{boots} boots" if isinstance(boots, int) and boots > 1 else "",
        f"with {known['lab.append']}" if known.get("lab.append") else "",
        f"own modules {known['lab.modules']}" if known.get("lab.modules") else "",
    )


def _calibration(found: Clock) -> str:
    return _joined(*(f"{name} {value:,.0f}" for name, value in found.calibration.items()))


def rounds_words(run: Run) -> str:
    """How many rounds its Plan has; of one with a rule, how many were made, and the rule."""
    plan = run.manifest.plan
    if plan.race is not None:
        return f"{rounds_made(run.trials)} rounds ({race_words(plan.race)})"
    if plan.until is None:
        return f"{plan.rounds} rounds"
    return f"{rounds_made(run.trials)} rounds ({rule_words(plan.until)})"


def _plan_text(run: Run) -> str:
    plan = run.manifest.plan
    return _joined(
        f"{len(plan.cases)} Cases × {rounds_words(run)}",
        f"{plan.warmups} warm-up" if plan.warmups else "no warm-up",
        *([] if run.manifest.environment.is_imported else [f"seed {plan.seed}"]),
        *conditions_words(plan.conditions),
    )


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
