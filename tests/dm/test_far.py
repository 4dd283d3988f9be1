"""dm-flush on a Target that is not this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from far_target import FarTarget
from loadstone.model import Status
from loadstone.plan.request import Request, make_plan
from loadstone.provision.leftovers import find_leftovers
from loadstone.runs.runner import Silence, run_plan


@pytest.fixture
def far(place: Path) -> Iterator[FarTarget]:
    device = place.resolve() / "device"
    device.mkdir()
    target = FarTarget(device)
    yield target
    target.close()


def test_its_tables_are_made_there_and_gone_at_the_end(far: FarTarget, place: Path) -> None:
    axes = ("segments=1,16", "table=linear,linear+delay", "threads=2", "writes=3")
    request = Request(what="dm-flush", axes=axes, rounds=1, warmups=0, directory="/far")
    run = run_plan(make_plan(request)[0], far, place / "results", Silence())
    assert [trial.status for trial in run.trials] == [Status.OK] * 4, run.trials[0].reason
    assert {trial.evidence["syncs"] for trial in run.trials} == {6.0}
    operations = [job.operation for job in far.jobs]
    assert operations.count("loop-device") == 2
    assert not find_leftovers(place / "results")
    assert not list(far.place.rglob("loadstone-*"))
