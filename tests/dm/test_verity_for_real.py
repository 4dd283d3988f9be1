"""dm-verity in the kernel: what verifying costs, and what becomes of a block that was changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands import MIB, write_model
from loadstone.model import Case, Plan, Run, Status
from loadstone.plan.request import Request, make_plan
from loadstone.provision.journal import Journal
from loadstone.runs.runner import Silence, run_plan
from loadstone.targets.local import LocalTarget
from loadstone.workloads.dm_verity.trials import USE_BH_BYTES, PreparedVerity
from loadstone.workloads.dm_verity.workload import WORKLOAD

IMAGE_BYTES = 4 * MIB


def _plan(*axes: str, file: str | None = None) -> Plan:
    request = Request(
        what="dm-verity",
        axes=(*(() if any(axis.startswith("total=") for axis in axes) else ("total=1m",)), *axes),
        file=file,
        size_bytes=None if file else IMAGE_BYTES,
        rounds=1,
        warmups=0,
    )
    return make_plan(request)[0]


def _run(target: LocalTarget, place: Path, *axes: str, file: str | None = None) -> Run:
    return run_plan(_plan(*axes, file=file), target, place / "results", Silence())


@contextmanager
def _prepared(
    target: LocalTarget, place: Path, plan: Plan
) -> Iterator[tuple[PreparedVerity, Case]]:
    with (
        Journal(place / "results") as journal,
        WORKLOAD.prepare(target, plan.input, plan.cases, journal, lambda _: None) as prepared,
    ):
        yield prepared, plan.cases[0]


def _overwrite(prepared: PreparedVerity, offset: int) -> None:
    with Path(prepared._data.path).open("r+b") as image:
        image.seek(offset)
        image.write(b"changed!")


def test_every_pattern_engine_and_cache_is_measured_beside_its_floor(
    target: LocalTarget, place: Path
) -> None:
    axes = ("pattern=random,sequential", "io=buffered,direct", "threads=1,4", "total=2m")
    run = _run(target, place, *axes)
    assert [trial.reason for trial in run.trials if trial.status is not Status.OK] == []
    for trial in run.trials:
        assert trial.evidence["floor_ns"] > 0
        assert trial.evidence["verified_bytes"] > 0
        assert trial.evidence["bytes"] == 2 * MIB
        assert {one.name for one in trial.histograms} == {"read", "floor read"}


@pytest.mark.parametrize("hash_block", ["512", "1k", "2k", "4k"])
def test_cold_reads_the_tree_and_warm_reads_none_of_it(
    target: LocalTarget, place: Path, hash_block: str
) -> None:
    run = _run(target, place, "cache=cold,warm", f"hash_block={hash_block}")
    read = {
        str(case.parameters["cache"]): trial.evidence["hash_read_bytes"]
        for case in run.manifest.plan.cases
        for trial in run.trials
        if trial.case == case.id and trial.status is Status.OK
    }
    assert read["cold"] > 0
    assert read["warm"] == 0


def test_use_bh_bytes_is_set_and_put_back(target: LocalTarget, place: Path) -> None:
    parameter = Path(USE_BH_BYTES)
    if not parameter.exists():
        pytest.skip("this kernel's dm-verity has no use_bh_bytes: take a later one")
    before = parameter.read_text()
    plan = _plan("cache=warm", "tasklet=on", "use_bh_bytes=64k")
    with _prepared(target, place, plan) as (prepared, case):
        job = prepared.job(case)
        assert set(parameter.read_text().strip().split(",")) == {"65536"}
        finding = prepared.evaluate(case, target.execute(job))
        assert finding.status is Status.OK, finding.reason
    assert parameter.read_text() == before


@pytest.mark.parametrize(
    ("axes", "offset"),
    [
        (("block=4k", "total=4m", "pattern=sequential"), 5 * 4096),
        (("block=512k", "total=4m", "pattern=sequential"), MIB + 7 * 4096),
        (("block=512k", "total=4m", "pattern=sequential", "io=buffered"), MIB + 7 * 4096),
        (("block=4k", "total=4m", "pattern=sequential", "tasklet=on", "cache=warm"), 9 * 4096),
    ],
)
def test_a_changed_block_fails_the_trial_and_is_named(
    target: LocalTarget, place: Path, axes: tuple[str, ...], offset: int
) -> None:
    with _prepared(target, place, _plan(*axes)) as (prepared, case):
        good = prepared.evaluate(case, target.execute(prepared.job(case)))
        assert good.status is Status.OK, good.reason
        _overwrite(prepared, offset)
        bad = prepared.evaluate(case, target.execute(prepared.job(case)))
        assert bad.status is Status.FAILED
        assert "dm-verity found a corrupt block (its status is C)" in (bad.reason or "")
        assert f" at {offset}: Input/output error (EIO)" in (bad.reason or "")


def test_an_image_of_the_users_own_is_copied_and_never_written(
    target: LocalTarget, place: Path
) -> None:
    image = write_model(place / "system.img", 3 * MIB + 100)
    before = image.read_bytes()
    run = _run(target, place, file=str(image))
    assert [trial.status for trial in run.trials] == [Status.OK]
    assert run.manifest.environment.facts["file.bytes"] == 3 * MIB + 4096
    assert image.read_bytes() == before


def test_more_in_sequence_than_the_image_holds_is_a_skip(target: LocalTarget, place: Path) -> None:
    run = _run(target, place, "pattern=sequential", "total=8m")
    (trial,) = run.trials
    assert trial.status is Status.SKIPPED
    assert "--set total=4MiB or less" in (trial.remedy or "")
