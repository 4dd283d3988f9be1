"""Many Runs of a few workloads and machines, for an index."""

from pathlib import Path

import msgspec

from loadstone.model import Case, Run
from report.pages import COUNTED, PHONE
from sample_runs import SPEED, Facts, measured_run, write_run

WORKLOADS = ("model-load", "folio-write", "dm-verity")
COUNT = 50
_DESK: Facts = {"cpu.model": "Some CPU", "cpu.count": 4, "kernel.release": "6.18.44"}
_MACHINES: tuple[tuple[str, Facts], ...] = (
    ("local", _DESK),
    ("lab:7.3.4", {**_DESK, **COUNTED}),
    ("adb:123", {**_DESK, **PHONE}),
)


def numbered_run(number: int, workload: str | None = None) -> Run:
    """A Run of two Cases, ``fast`` and ``slow``; machine, workload and date go by its number."""
    workload = workload or WORKLOADS[number % len(WORKLOADS)]
    target, facts = _MACHINES[number // len(WORKLOADS) % len(_MACHINES)]
    slow, fast = (Case.of(workload, f"{word} {number}", {"way": word}) for word in ("slow", "fast"))
    rounds = [(1e9 + 1e7 * number) * share for share in (0.99, 1.0, 1.01, 1.0, 0.995, 1.005)]
    figures = ((slow, [one / 2 for one in rounds]), (fast, rounds))
    run = measured_run(figures, SPEED, id_=f"run-{number:04}", facts=facts)
    environment = msgspec.structs.replace(run.manifest.environment, target=target)
    manifest = msgspec.structs.replace(
        run.manifest, environment=environment, created=f"2026-01-{day(number)}T10:20:30.1+00:00"
    )
    return msgspec.structs.replace(run, manifest=manifest)


def day(number: int) -> str:
    """Of January, when a Run was made."""
    return f"{number * 11 % 28 + 1:02}"


def write_many(results: Path, count: int = COUNT) -> None:
    """Put numbered Runs on disk."""
    for number in range(count):
        write_run(numbered_run(number), results)
