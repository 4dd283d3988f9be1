"""The second of two loads: it finds what the first left, and its figures are the Trial's."""

from pathlib import Path

import pytest

import loadstone as api
from commands import MIB, needs_root, write_model
from loadstone.model import Run, Status, Trial

SIZE = 8 * MIB


@pytest.fixture
def run(place: Path) -> Run:
    file = write_model(place / "model.gguf", SIZE)
    return api.run(
        file=file,
        axes={"engine": "pread", "io": ["buffered", "direct"], "again": [False, True]},
        rounds=1,
        warmups=0,
        results=place / "results",
    )


def trials_of(run: Run) -> dict[str, Trial]:
    labels = {case.id: case.label for case in run.manifest.plan.cases}
    return {labels[trial.case]: trial for trial in run.trials}


@needs_root
@pytest.mark.alone
def test_the_second_load_finds_what_the_first_left(run: Run) -> None:
    trials = trials_of(run)
    for io, left_bytes in (("buffered", SIZE), ("direct", 0)):
        once, again = (trials[f"pread {io} → anon 1MiB{word}"] for word in ("", " again"))
        assert once.status is again.status is Status.OK, again.reason
        assert "first_ready_ns" not in once.evidence
        found = again.evidence
        assert found["first_cached_before_bytes"] == 0
        assert found["first_cached_after_bytes"] == found["cached_before_bytes"] == left_bytes
        assert found["first_ready_ns"] > 0
        # All that happened is accounted for: the first load is no overhead of Loadstone's.
        assert found["set_up_ns"] >= found["first_ready_ns"]
        assert found["verified_bytes"] == SIZE
        assert again.metrics["ready_ns"] == found["ready_ns"] != found["first_ready_ns"]
