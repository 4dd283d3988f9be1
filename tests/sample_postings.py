"""Files of published figures, and the Cases that they are of."""

from collections.abc import Mapping
from pathlib import Path

from loadstone.model import Better, Case, Metric, Run, Value
from loadstone.published.file import read_reference
from loadstone.published.posting import Posting
from sample_runs import NEAR_ONE, READY, measured_run

GIB = 1 << 30
FLUSH_SPEED = Metric(name="throughput", unit="KiB/s", better=Better.HIGHER)
SEGMENTS = Case.of("dm-flush", "1024 segments", {"segments": 1024, "devices": 1, "block": 4096})
DIRECT, BUFFERED = (
    Case.of("model-load", f"pread {io}", {"engine": "pread", "io": io, "block": 1 << 20})
    for io in ("direct", "buffered")
)

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


def load_run(facts: Mapping[str, Value], *more: Case) -> Run:
    """A Run that takes 2 s buffered, and 1 s direct and otherwise."""
    slow, fast = ([2e9 * one for one in NEAR_ONE], [1e9 * one for one in NEAR_ONE])
    sides = [(BUFFERED, slow), *((case, fast) for case in (DIRECT, *more))]
    return measured_run(sides, READY, facts=facts)
