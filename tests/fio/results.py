"""Results of real fio runs, and changed ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loadstone.fio.importing import imported
from loadstone.fio.result_file import read_result
from loadstone.runs.importing import ImportedRun

DATA = Path(__file__).parents[1] / "data" / "fio"
FIO_2 = DATA / "fio-2.21.json"
TWO_ENTRIES = DATA / "fio-3.25.json"
WITH_BINS = DATA / "fio-3.39-json+.json"


def changed(path: Path, to: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a result in which something is different."""
    document = json.loads(path.read_text())
    change(document)
    to.write_text(json.dumps(document, indent=2))
    return to


def imported_of(*paths: Path) -> ImportedRun:
    return imported([read_result(path) for path in paths], "jobs")


def again(to: Path, seconds: int = 60, path: Path = WITH_BINS) -> Path:
    """The same jobs, by another fio run a while later and a little faster."""

    def later(document: dict[str, Any]) -> None:
        document["timestamp_ms"] += seconds * 1000
        for job in document["jobs"]:
            if "job_start" in job:
                job["job_start"] += seconds * 1000
            job["read"]["bw_bytes"] *= 1 + seconds / 10_000

    return changed(path, to, later)
