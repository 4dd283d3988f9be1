"""Runs that were really made: the samples."""

from functools import cache

import pytest

from loadstone.model import Run
from loadstone.runs.store import load
from sample_outputs import DATA, RUNS, named


@cache
def real_run(part: str) -> Run:
    """The sample that has this in its id."""
    return load(DATA / "runs" / named(part))


each_measured_run = pytest.mark.parametrize(
    "run", [load(DATA / "runs" / id_) for id_ in RUNS], ids=RUNS
)
"""Each of them; all have a Trial that counts."""
