"""Runs of Cases of which something is published, and files that say so."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from loadstone.model import (
    Better,
    Case,
    Environment,
    Manifest,
    Metric,
    Plan,
    Run,
    Status,
    Trial,
    Value,
)
from loadstone.published.file import read_reference
from loadstone.published.posting import Posting

SPEED = Metric(name="throughput", unit="KiB/s", better=Better.HIGHER)
READY = Metric(name="ready_ns", unit="ns", better=Better.LOWER)
SEGMENTS = Case.of("dm-flush", "1024 segments", {"segments": 1024, "devices": 1, "block": 4096})
DIRECT, BUFFERED = (
    Case.of("model-load", f"pread {io}", {"engine": "pread", "io": io, "block": 1 << 20})
    for io in ("direct", "buffered")
)
NEAR_ONE = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002)
LAB: dict[str, Value] = {"clock.name": "instructions", "clock.ns_per_instruction": 1}

FLUSH = """\
workload = "dm-flush"
[[posting]]
key = "k"
title = "empty flush"
who = "Yang Yang"
when = 2024-05-16
where = "dm-devel"
device = "not named"
conditions = "fio"
[[posting.change]]
what = "1024 segments"
case = { segments = 1024, devices = 1, block = "4k" }
metric = "throughput"
base_is = "each segment"
new_is = "each device"
base = "857 KiB/s"
new = "30.8 MiB/s"
"""

LOAD = """\
workload = "model-load"
[[posting]]
key = "k"
title = "direct"
who = "Huan Yang"
when = "2024-07"
where = "dri-devel"
device = "phone"
conditions = "cold"
metric = "ready_ns"
[[posting.figure]]
what = "direct"
case = { io = "direct" }
by_bytes = { "8MiB" = "9 ms", "1GiB" = "1000 ms" }
[[posting.figure]]
what = "read"
baseline = true
case = { io = "buffered" }
by_bytes = { "8MiB" = "14.5 ms", "1GiB" = "1500 ms" }
"""


def postings(tmp_path: Path, text: str) -> tuple[Posting, ...]:
    """What a file of this text states."""
    path = tmp_path / "published.toml"
    path.write_text(text)
    return read_reference(path)


def run(
    figures: Sequence[tuple[Case, Sequence[float]]],
    metric: Metric,
    id_: str = "r",
    hour: int = 0,
    facts: Mapping[str, Value] | None = None,
) -> Run:
    """A Run whose rounds are a minute each, from the given hour on."""
    cases = tuple(case for case, _ in figures)
    plan = Plan(name="p", workload=cases[0].workload, cases=cases, rounds=6, warmups=0, seed=1)
    manifest = Manifest(
        schema=1,
        id=id_,
        created="2026-01-01T00:00:00+00:00",
        plan=plan,
        metrics=(metric,),
        environment=Environment(target="local", facts=facts or {}),
        loadstone="0.1.0",
        core="abc",
    )
    trials = tuple(
        Trial(
            case=case.id,
            round=number,
            warmup=False,
            started=f"2026-01-01T{hour:02}:{number:02}:00Z",
            status=Status.OK,
            metrics={metric.name: float(figure)},
        )
        for case, values in figures
        for number, figure in enumerate(values)
    )
    return Run(manifest=manifest, trials=trials, path=Path("/runs") / id_)


def write(run: Run, results: Path) -> None:
    """Put a Run on disk."""
    path = results / "runs" / run.id
    path.mkdir(parents=True)
    (path / "manifest.json").write_bytes(msgspec.json.encode(run.manifest))
    lines = (msgspec.json.encode(trial) + b"\n" for trial in run.trials)
    (path / "trials.jsonl").write_bytes(b"".join(lines))
