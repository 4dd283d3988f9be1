"""Fio results as a Run: each job a Case, each file a round."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from loadstone.errors import UsageError, system_words
from loadstone.fio.cases import WORKLOAD, case_of, directions_of, parameters_of
from loadstone.fio.figures import DIRECTIONS, METRICS, figures_of, moved
from loadstone.fio.result_file import NO_RESULT, FioJob, FioResult, texts_of
from loadstone.fio.values import ALIASES
from loadstone.model import Case, Environment, Fact, Noun, Plan, Status, Trial, Value
from loadstone.result_names import (
    IMPORTED,
    IMPORTED_HOST,
    IMPORTED_TIME,
    IMPORTED_VERSION,
)
from loadstone.runs.importing import TARGET, ImportedRun
from loadstone.text import printable

# The year 9999.
_NO_LATER_MS = 253_370_764_800_000
_FAILED = "see what fio itself complained of, and run that job again"


class _Part(Noun, frozen=True, kw_only=True):
    """One direction of a job of one result, and the entries that fio printed of it."""

    job: str
    direction: str
    entries: tuple[FioJob, ...]
    parameters: Mapping[str, Value]


def imported(results: Sequence[FioResult], name: str) -> ImportedRun:
    """What a Run of these results has; those of the same jobs are rounds, in the order given.

    Args:
        name: of the Plan.

    Raises:
        UsageError: two are the same, or of two versions of fio; or a figure is none.
    """
    _require_different(results)
    parts = [_parts(result) for result in results]
    cases = _cases([part for of_result in parts for part in of_result])
    repeats = max(_repeats(of_result, cases) for of_result in parts)
    trials = [
        trial
        for number, (result, of_result) in enumerate(zip(results, parts, strict=True))
        for trial in _trials(result, of_result, cases, number * repeats)
    ]
    return ImportedRun(
        plan=Plan(
            name=name,
            workload=WORKLOAD,
            cases=tuple({case.id: case for case in cases.values()}.values()),
            rounds=len(results) * repeats,
            warmups=0,
            seed=0,
        ),
        metrics=METRICS,
        environment=Environment(target=TARGET, facts=_facts(results)),
        trials=tuple(trials),
    )


def _require_different(results: Sequence[FioResult]) -> None:
    seen: dict[str, FioResult] = {}
    for result in results:
        if result.digest in seen:
            raise UsageError(
                f"{printable(result.path)} and {printable(seen[result.digest].path)} are the same "
                "fio run, which is one round",
                remedy="name it once",
            )
        seen[result.digest] = result
    for what in ("version", "hostname"):
        first, *others = (getattr(result, what) for result in results)
        if other := next((one for one in others if one != first), None):
            raise UsageError(
                f"results of {first} and of {other} are not rounds of one Run",
                remedy="import them as two Runs, and compare these",
            )


def _parts(result: FioResult) -> list[_Part]:
    """The jobs of a result in its order, each with its directions."""
    found = []
    for _, group in groupby(result.jobs, key=lambda job: (job.group, job.name, job.options)):
        entries = tuple(group)
        options = {**result.options, **texts_of(entries[0].options)}
        try:
            for direction in _directions(options, entries):
                parameters = parameters_of(options, direction, result.version, len(entries))
                found.append(
                    _Part(
                        job=entries[0].name,
                        direction=direction,
                        entries=entries,
                        parameters=parameters,
                    )
                )
        except UsageError as error:
            raise error.within(f"{printable(result.path)}: {printable(entries[0].name)}") from None
    return found


def _directions(options: Mapping[str, str], entries: Sequence[FioJob]) -> Sequence[str]:
    """Those in which something was moved; of a job that moved nothing those that it has."""
    found = [name for name in DIRECTIONS if moved(entries, name).operations]
    said = {ALIASES.get(name, name): text for name, text in options.items()}
    return found or [one for one in directions_of(said.get("rw", "read")) if one in DIRECTIONS]


def _cases(parts: Sequence[_Part]) -> dict[tuple[str, str], Case]:
    """The Case of each part, by what ``_key`` makes of it.

    The job's name is a parameter only where nothing else tells two jobs apart.
    """
    names: dict[str, set[str]] = {}
    for part in parts:
        names.setdefault(_same(part), set()).add(part.job)
    return {
        _key(part): case_of(
            {**part.parameters, "job": part.job}
            if len(names[_same(part)]) > 1
            else part.parameters,
            part.job,
        )
        for part in parts
    }


def _same(part: _Part) -> str:
    return repr(sorted(part.parameters.items()))


def _key(part: _Part) -> tuple[str, str]:
    return part.job, _same(part)


def _repeats(parts: Sequence[_Part], cases: Mapping[tuple[str, str], Case]) -> int:
    """How often a job stands in one result, at most: those behind each other are rounds, too."""
    ids = [cases[_key(part)].id for part in parts]
    return max(ids.count(id_) for id_ in ids)


def _trials(
    result: FioResult,
    parts: Sequence[_Part],
    cases: Mapping[tuple[str, str], Case],
    first_round: int,
) -> Iterator[Trial]:
    before: dict[str, int] = {}
    for part in parts:
        case = cases[_key(part)].id
        try:
            yield _trial(result, part, case, first_round + before.get(case, 0))
        except UsageError as error:
            raise error.within(f"{printable(result.path)}: {printable(part.job)}") from None
        before[case] = before.get(case, 0) + 1


def _trial(result: FioResult, part: _Part, case: str, number: int) -> Trial:
    found = figures_of(part.entries, part.direction)
    reason = _failure(part.entries)
    status = Status.OK
    if reason is not None:
        status = Status.FAILED
    elif not found.metrics["throughput"]:
        status, reason = Status.INVALID, f"fio did no {part.direction} that took a millisecond"
    is_good = status is Status.OK
    return Trial(
        case=case,
        round=number,
        warmup=False,
        started=_started(result, part.entries),
        status=status,
        reason=reason,
        remedy=None if is_good else _FAILED,
        metrics=found.metrics if is_good else {},
        evidence=found.evidence,
        notes=(*found.notes, *_block_note(part, found.evidence)),
        histograms=found.histograms,
    )


def _failure(entries: Sequence[FioJob]) -> str | None:
    """Why a job counts as failed, though fio printed figures of what it had done before."""
    for entry in entries:
        if entry.error:
            return f"fio ended the job with {system_words(entry.error)}"
        if entry.total_errors:
            return f"{entry.total_errors} operations failed, which the job was to go on after"
    return None


def _block_note(part: _Part, evidence: Mapping[str, float]) -> Iterator[str]:
    """That an operation moved more than ``bs`` says: fio tells the last ``[global]`` alone."""
    block, operations = part.parameters["bs"], evidence["fio.total_ios"]
    if isinstance(block, int) and evidence["fio.io_bytes"] > block * operations:
        mean = evidence["fio.io_bytes"] / operations
        yield f"bs is not what fio says: an operation moved {mean:.0f} bytes"


def _started(result: FioResult, entries: Sequence[FioJob]) -> str:
    """When the job began; where fio does not say that, when it had printed the result."""
    start_ms = min(entry.start_ms for entry in entries) or result.ended_ms
    if not 0 < start_ms < _NO_LATER_MS:
        raise UsageError(f"{start_ms} ms after 1970 is no time", remedy=NO_RESULT)
    return datetime.fromtimestamp(start_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _facts(results: Sequence[FioResult]) -> dict[str, Fact]:
    """What fio tells of where it ran, which is little; nothing of this machine."""
    first = results[0]
    facts: dict[str, Fact] = {
        IMPORTED: "fio",
        IMPORTED_VERSION: first.version.removeprefix("fio-"),
        IMPORTED_TIME: _started(first, first.jobs),
        "imported.files": ", ".join(printable(Path(result.path).name) for result in results),
        "imported.sha256": ", ".join(result.digest[:16] for result in results),
    }
    if first.hostname:
        facts[IMPORTED_HOST] = first.hostname
    files = {
        {**result.options, **texts_of(job.options)}.get("filename")
        for result in results
        for job in result.jobs
    }
    if len(files) == 1 and (name := files.pop()):
        facts["fio.filename"] = name
    return facts


def plan_name(paths: Sequence[Path]) -> str:
    """What the Run is called where the user does not say: as the first file."""
    return printable(paths[0].stem) or WORKLOAD
