"""Runs for export, and their text in a format."""

from collections.abc import Mapping

import msgspec

from loadstone.export import find_format
from loadstone.model import Better, Case, Metric, Run, Status, Trial, Value
from sample_runs import READY, SPEED, manifest_of, plan_of, run_of, trial_of

DELAY = Metric(name="first_byte_ns", unit="ns", better=Better.LOWER)
FAST, SLOW, ABSENT = (
    Case.of("model-load", label, {"engine": label, "fixed": False, "block": 4096})
    for label in ("uring direct → thp 1MiB×8", 'pread, "buffered"', "absent")
)
REAL: dict[str, Value] = {"kernel.release": "6.1.0", "cpu.model": "A CPU", "fs.type": "ext4"}
COUNTED: dict[str, Value] = REAL | {
    "clock.name": "instructions",
    "clock.ns_per_instruction": 1,
    "clock.accelerator": "tcg",
    "clock.processor": "max,-erms,-fsrm",
    "storage.profile": "ufs40",
}
MEANING = "counted instructions (1 ns each, processor max,-erms,-fsrm): a cost model, not time"
LINE_BREAK = "two\nlines\tBenchmarkX 1 1 ns"


def good_trial(case: Case, number: int, **changes: object) -> Trial:
    """A Trial whose figures follow from its Case and round."""
    ready_ns = 1e6 * (1 + number) * (1 if case is FAST else 3)
    metrics = {"throughput": 1e15 / ready_ns + 0.25, "ready_ns": ready_ns, "first_byte_ns": 70.0}
    return trial_of(case, number, metrics, **changes)


def run_with(
    facts: Mapping[str, Value] = REAL,
    cases: tuple[Case, ...] = (SLOW, ABSENT, FAST),
    metrics: tuple[Metric, ...] = (SPEED, READY, DELAY),
    day: int = 1,
) -> Run:
    """A Run of three rounds, a warm-up, an invalid and a skipped Trial.

    Args:
        day: of January, on which it was begun.
    """
    id_ = f"202601{day:02}T000000Z-local-p-0000"
    manifest = manifest_of(plan_of(cases, warmups=1), id_=id_, metrics=metrics, facts=facts)
    begun = f"2026-01-{day:02}T10:20:30.123+00:00"
    manifest = msgspec.structs.replace(manifest, created=begun)
    trials = [
        good_trial(cases[0], 0, warmup=True),
        good_trial(cases[0], 0, status=Status.INVALID, reason="12 pages stayed cached"),
        *(good_trial(case, number) for number in (2, 1, 0) for case in (cases[0], cases[-1])),
    ]
    if ABSENT in cases:
        trials.append(good_trial(ABSENT, 0, status=Status.SKIPPED, reason="no udmabuf", metrics={}))
    return run_of(manifest, trials)


def rendered(name: str, run: Run) -> str:
    """The Run in a format that is text."""
    text = find_format(name).render(run)
    assert isinstance(text, str)
    return text


def rendered_bytes(name: str, run: Run) -> bytes:
    """The Run in a format that is no text."""
    data = find_format(name).render(run)
    assert isinstance(data, bytes)
    return data
