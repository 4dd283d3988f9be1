"""Loads while memory is held: what has to go, what is too much, and that nothing of it stays."""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

import loadstone as api
from commands import MIB, Command, needs_root, until, write_model
from loadstone import targets
from loadstone.model import Case, Finding, Input, Outcome, Run, Status, Trial, Value
from loadstone.provision.journal import Journal
from loadstone.targets import Target
from loadstone.workloads import Prepared, make_cases, workload
from memory_groups import memory_group

LOAD = workload("model-load")
SIZE = 32 * MIB
ONCE = ("--rounds", "1", "--warmups", "0")
PRESSED = ("--set", "pressure=32m")


def groups_of(place: Path) -> list[Path]:
    """The control groups that stand in the journal of a test's results: those not yet removed."""
    records = [
        msgspec.json.decode(path.read_bytes()) for path in place.glob("results/journal/*.json")
    ]
    return [Path(one["name"]) for one in records if one["kind"] == "control-group"]


@pytest.fixture(autouse=True)
def no_group_is_left(place: Path) -> Iterator[None]:
    yield
    assert not groups_of(place)


@pytest.fixture
def large(place: Path) -> Path:
    path = write_model(place / "model.gguf", SIZE)
    # What is not on the disk yet stays in the page cache, charged to who wrote it.
    subprocess.run(["sync", path], check=True)
    return path


def trials_of(run: Run) -> dict[str, Trial]:
    labels = {case.id: case.label for case in run.manifest.plan.cases}
    return {labels[trial.case]: trial for trial in run.trials}


@pytest.mark.alone  # as others' tests drop the page cache
@needs_root
def test_a_buffered_load_has_to_push_out_what_a_direct_one_does_not(
    large: Path, place: Path
) -> None:
    run = api.run(
        file=large,
        axes={"engine": "pread", "io": ["buffered", "direct"], "pressure": [0, 32 * MIB]},
        rounds=1,
        warmups=0,
        results=place / "results",
    )
    trials = trials_of(run)
    pressed = {label: one for label, one in trials.items() if label.endswith("pressure 32MiB")}
    assert len(trials) == 4
    assert len(pressed) == 2
    assert {trial.status for trial in trials.values()} == {Status.OK}
    for label, trial in trials.items():
        assert ("pressure_bytes" in trial.evidence) == (label in pressed)
    for label, trial in pressed.items():
        found = trial.evidence
        is_direct = "direct" in label
        assert found["pressure_bytes"] == 32 * MIB <= found["pressure_resident_bytes"]
        assert found["pressure_cpu_ns"] > 0
        assert found["pressure_killed_by"] == 0
        assert found["memcg.oom_kill"] == 0
        assert SIZE + 32 * MIB < found["pressure_limit_bytes"] < 2 * SIZE + 32 * MIB
        assert ("under this pressure nothing was reclaimed" in trial.notes) == is_direct
        assert (found["vmstat.pgsteal_file"] > 0) or is_direct
        assert found["cached_after_bytes"] < SIZE
    assert run.manifest.environment.facts["pressure.is_in_cgroup"] is True


@pytest.mark.alone  # as others' tests drop the page cache
@needs_root
def test_a_warm_load_begins_with_all_resident_and_its_destination_pushes_that_out(
    large: Path, place: Path
) -> None:
    axes = {"engine": "pread", "io": "buffered", "pressure": "32m", "cache": "warm"}
    (trial,) = api.run(file=large, axes=axes, rounds=1, warmups=0, results=place / "results").trials
    assert trial.status is Status.OK, trial.reason
    assert trial.evidence["cached_before_bytes"] == SIZE
    assert trial.evidence["cached_after_bytes"] < SIZE
    assert trial.evidence["vmstat.pgsteal_file"] > 0


def test_more_than_is_free_is_skipped_and_says_what_to_do(loadstone: Command, model: Path) -> None:
    axes = ("--set", "engine=pread", "--set", "pressure=64t")
    done = loadstone("run", "--file", model, *ONCE, *axes)
    assert done.code == 3
    (case,) = api.summarise(api.load("last", results=loadstone.results))
    assert (case.skipped or "").startswith("pressure 64 TiB is larger than is free: ")
    assert (case.remedy or "").startswith("--set pressure to less, or free memory")


@needs_root
def test_more_than_a_group_above_leaves_is_skipped_and_names_it(
    loadstone: Command, model: Path
) -> None:
    with memory_group(256 * MIB) as above:
        axes = ("--set", "engine=pread", "--set", "pressure=256m")
        done = loadstone("run", "--file", model, *ONCE, *axes, before=above.inside)
        assert done.code == 3
        (case,) = api.summarise(api.load("last", results=loadstone.results))
        assert "does not fit into this cgroup's 256 MiB of memory" in (case.skipped or "")
        assert f"raise {above.limit_file} " in (case.remedy or "")


@needs_root
def test_a_user_who_may_make_no_group_is_told_and_has_the_pressure_all_the_same(
    loadstone: Command, as_nobody: tuple[str, ...]
) -> None:
    axes = ("--set", "engine=pread", "--set", "cache=as-is")
    done = loadstone("run", "--size", "8m", *ONCE, *axes, *PRESSED, before=as_nobody)
    assert done.code == 0, done.err
    assert "pressure is held in no control group of its own: make control group" in done.err
    run = api.load("last", results=loadstone.results)
    (trial,) = run.trials
    assert trial.evidence["pressure_bytes"] == 32 * MIB
    assert "pressure_limit_bytes" not in trial.evidence
    assert trial.notes[0].startswith("pressure in no control group of its own: make control ")
    assert run.manifest.environment.facts["pressure.is_in_cgroup"] is False


def test_a_case_of_before_there_was_pressure_has_none_and_the_same_id() -> None:
    (case,), _ = make_cases(LOAD, [{"engine": "pread"}])
    added = {one.name for one in LOAD.parameters if one.is_added}
    assert added >= {"pressure", "again"}
    kept = {name: value for name, value in case.parameters.items() if name not in added}
    assert Case.of(LOAD.name, case.label, kept).id == case.id


class Loading(msgspec.Struct):
    """One Case made ready."""

    target: Target
    prepared: Prepared
    case: Case

    def evaluate(self, outcome: Outcome) -> Finding:
        return self.prepared.evaluate(self.case, outcome)


@pytest.fixture
def slow(place: Path, large: Path) -> Iterator[Loading]:
    """A load of very small reads, under pressure."""
    results = place / "results"
    chosen: dict[str, Value] = {"engine": "pread", "io": "buffered", "block": 512}
    chosen |= {"verify": "off", "cache": "as-is", "pressure": 16 * MIB}
    cases, _ = make_cases(LOAD, [chosen])
    with (
        targets.connect("local", results) as target,
        Journal(results) as journal,
        LOAD.prepare(target, Input(file=str(large)), cases, journal, lambda _: None) as prepared,
    ):
        yield Loading(target, prepared, cases[0])


def holder_of(process: psutil.Process) -> psutil.Process | None:
    """What holds the pressure, once it does: the child of a Job, below a worker of a process."""
    for below in process.children(recursive=True):
        try:
            job = below.parent()
            worker = job.parent() if job else None
            is_holder = worker is not None and worker.parent() == process
            if is_holder and below.memory_info().rss >= 16 * MIB:
                return below
        except psutil.Error:
            continue
    return None


def load_with_pressure_killed(slow: Loading) -> Outcome:
    """Of a load amid which the holder is killed; on a busy machine too early or too late."""
    found: list[Outcome] = []
    job = slow.prepared.job(slow.case)
    loading = threading.Thread(target=lambda: found.append(slow.target.execute(job)))
    loading.start()
    until(lambda: holder_of(psutil.Process()), "the pressure")
    time.sleep(0.02)
    if holder := holder_of(psutil.Process()):
        with contextlib.suppress(psutil.NoSuchProcess):
            holder.kill()
    loading.join()
    return found[0]


def test_a_load_whose_pressure_was_killed_meanwhile_is_invalid(slow: Loading) -> None:
    for _ in range(10):
        outcome = load_with_pressure_killed(slow)
        if outcome.values.get("pressure_killed_by"):
            break
    assert outcome.values.get("pressure_killed_by") == signal.SIGKILL, outcome.error
    finding = slow.evaluate(outcome)
    assert finding.status is Status.INVALID
    assert (finding.reason or "").startswith("the pressure was gone: ")
    assert "see dmesg" in (finding.remedy or "")


@needs_root
def test_a_load_that_the_kernel_killed_for_its_groups_limit_says_so(slow: Loading) -> None:
    job = slow.prepared.job(slow.case)
    group = Path(job.options["pressure-group"])
    limit = group / "memory.limit_in_bytes"
    limit = limit if limit.exists() else group / "memory.max"
    limit.write_text(str(40 * MIB))
    finding = slow.evaluate(slow.target.execute(job))
    assert finding.status is Status.FAILED
    assert (finding.reason or "").startswith("out of memory under pressure: the load did not fit")
    assert finding.remedy


@needs_root
def test_a_group_that_went_away_is_told(slow: Loading) -> None:
    job = slow.prepared.job(slow.case)
    Path(job.options["pressure-group"]).rmdir()
    finding = slow.evaluate(slow.target.execute(job))
    assert finding.status is Status.FAILED
    assert "does not let the load in: enter control group" in (finding.reason or "")
    assert finding.remedy


def started(loadstone: Command, large: Path) -> "tuple[subprocess.Popen[bytes], Path]":
    """A long Run amid its pressure, and its group."""
    axes = ("--set", "engine=pread", "--set", "io=buffered", "--rounds", "1000")
    process = loadstone.start("run", "--file", large, *axes, *PRESSED)
    until(lambda: holder_of(psutil.Process(process.pid)), "the pressure", limit_s=60)
    (group,) = groups_of(loadstone.place)
    assert group.is_dir()
    return process, group


@needs_root
def test_a_run_killed_amid_pressure_leaves_a_group_that_clean_removes(
    loadstone: Command, large: Path
) -> None:
    process, group = started(loadstone, large)
    process.kill()
    process.communicate(timeout=30)
    until(lambda: not loadstone.processes(), "worker, Job and pressure to die with it")
    assert group.is_dir()
    cleaned = loadstone("clean")
    assert cleaned.code == 0, cleaned.err
    assert f"control-group {group}" in cleaned.out
    assert not group.exists()


@needs_root
def test_a_signal_amid_pressure_leaves_nothing(loadstone: Command, large: Path) -> None:
    process, group = started(loadstone, large)
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM
    assert b"Traceback" not in err
    assert not group.exists()
