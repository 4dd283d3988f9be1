"""Each system call of page-classes fails once where its pages are swapped out.

What is swapped on is the whole machine's, so nothing runs beside it.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import needs_root
from loadstone.model import Job
from loadstone.provision.journal import Journal
from loadstone.provision.zram_device import ZramDevice, zram_device, zram_swap
from loadstone.targets.local import LocalTarget
from native.conftest import builds, job, local
from soak.broken_calls import Tracer
from soak.stage import Stage
from soak.test_broken_calls import ALL, breaks_of, problems_of, stage, tracer
from zrams import needs_zram

__all__ = ["builds", "job", "local", "stage", "tracer"]

pytestmark = [
    pytest.mark.soak,
    pytest.mark.native,
    pytest.mark.root,
    pytest.mark.alone,
    needs_root,
    needs_zram,
    pytest.mark.usefixtures("nothing_is_left", "one_cpu"),
]


@pytest.fixture
def one_cpu() -> Iterator[None]:
    """What runs moves to no other CPU, in whose batches pages would stay that cannot go out."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.fixture
def swapped_on(place: Path, local: LocalTarget) -> Iterator[ZramDevice]:
    """A zram device of 8 MiB that is filled before any other."""
    with (
        Journal(place / "results") as journal,
        zram_device(local, journal, algorithm=None, level=0, size_bytes=8 << 20) as device,
        zram_swap(local, journal, device, priority=32767),
    ):
        yield device


def test_what_fails_while_pages_are_swapped_out_is_named_or_made_up_for(
    tracer: Tracer,
    stage: Stage,
    swapped_on: ZramDevice,
    figures: Counter[str],
    pytestconfig: pytest.Config,
) -> None:
    if pytestconfig.getoption("--broken-calls") != ALL:
        pytest.skip("make test breaks calls of the path block: make soak breaks these")
    options = {"device": swapped_on.path, "path": "swap"}
    jobs = [
        Job(operation="page-classes", options={**options, "total": str(256 << 10)}),
        Job(operation="page-classes", options={**options, "total": str(4 << 20), "thp": "on"}),
    ]
    breaks = list(breaks_of(tracer, stage, jobs))
    problems = list(problems_of(tracer, stage, breaks, figures))
    assert not problems, "\n".join([f"{len(problems)} of {len(breaks)}:", *problems])
