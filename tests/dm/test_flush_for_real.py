"""dm-flush through the kernel's device-mapper: what is counted, and what errors come to."""

import signal
from pathlib import Path

import pytest

from commands import MIB, Command, until
from dm.dm_devices import Lower, dmsetup
from loadstone.errors import RunError, UsageError
from loadstone.model import Run, Status
from loadstone.plan.request import Request, make_plan
from loadstone.runs.runner import Silence, resume_run, run_plan
from loadstone.runs.store import load
from loadstone.targets.local import LocalTarget

SMALL = {"segment": MIB, "stride": 2 * MIB, "threads": 4, "writes": 5}
SMALL_WORDS = tuple(f"--set={name}={value}" for name, value in SMALL.items())


def _run(target: LocalTarget, place: Path, *devices: str, rounds: int = 1, **axes: object) -> Run:
    plan, _ = make_plan(
        Request(
            what="dm-flush",
            axes=tuple(f"{name}={value}" for name, value in {**SMALL, **axes}.items()),
            devices=devices,
            erase=tuple(device for device in devices if "/" in device),
            rounds=rounds,
            warmups=0,
        )
    )
    return run_plan(plan, target, place / "results", Silence())


def _only(run: Run) -> dict[str, float]:
    (trial,) = run.trials
    assert trial.status is Status.OK, trial.reason
    return {**trial.evidence, **trial.metrics}


def test_a_flush_reaches_every_target_only_where_one_of_them_wants_it(
    target: LocalTarget, place: Path
) -> None:
    """Linux 6.11 and later; with a delay of 0 ms in the table it is as before."""
    linear = _only(_run(target, place, segments=8))
    assert linear["remaps_per_flush"] == 1
    assert 0 < linear["flushes_per_sync"] <= 2
    delay = _only(_run(target, place, segments=8, table="linear+delay"))
    assert delay["remaps_per_flush"] == 9
    assert (linear["writes"], linear["syncs"], linear["bytes"]) == (20, 20, 20 * 4096)


def test_stripes_and_two_devices_are_flushed_once_each(target: LocalTarget, place: Path) -> None:
    assert _only(_run(target, place, segments=8, table="stripe"))["remaps_per_flush"] == 1
    for kind in ("linear", "stripe"):
        both = _only(_run(target, place, segments=8, devices=2, table=kind))
        assert both["remaps_per_flush"] == 2


@pytest.mark.parametrize("sync", ["fdatasync", "fsync", "dsync", "empty"])
def test_every_way_to_sync_flushes(target: LocalTarget, place: Path, sync: str) -> None:
    run = _run(target, place, segments=2, sync=sync)
    counted = _only(run)
    assert counted["syncs"] == 20
    assert counted["writes"] == (0 if sync == "empty" else 20)
    assert counted["block.flush_ios"] > 0
    names = {histogram.name for histogram in run.trials[0].histograms}
    assert names == ({"sync"} if sync in ("dsync", "empty") else {"write", "sync"})


def test_simulated_storage_is_made_and_gone(target: LocalTarget, place: Path) -> None:
    run = _run(target, place, "ufs21", segments=2, io="direct")
    facts = run.manifest.environment.facts
    assert facts["storage.profile"] == "ufs21"
    assert _only(run)["flushes_per_sync"] > 0
    assert not list(Path("/sys/kernel/config/nullb").glob("loadstone*"))


def test_a_time_takes_the_place_of_a_count(target: LocalTarget, place: Path) -> None:
    counted = _only(_run(target, place, segments=2, seconds=1))
    assert counted["elapsed_ns"] >= 1e9
    assert counted["syncs"] == counted["writes"] > 0


def test_a_device_of_the_users_is_written_to_when_named_twice(
    target: LocalTarget, place: Path, loop: str
) -> None:
    run = _run(target, place, loop, segments=2)
    assert run.manifest.environment.facts["device.kind"] == "named"
    _only(run)
    trials = run.path / "trials.jsonl"
    trials.write_text("")
    with pytest.raises(RunError, match="may be another device by now"):
        resume_run(load(run.path), target, place / "results", Silence())


def test_one_that_device_mapper_holds_is_refused_by_its_holder(
    target: LocalTarget, place: Path, loop: str, lower: Lower
) -> None:
    with (
        lower("0 2048 linear LOOP 0"),
        pytest.raises(UsageError, match=r"it is in use, and nothing was .*: held by dm-\d+;"),
    ):
        _run(target, place, loop, segments=2)


def test_one_too_small_is_refused(target: LocalTarget, place: Path, loop: str) -> None:
    with pytest.raises(UsageError, match=r"it holds 64 MiB, and the Cases take 127 MiB"):
        _run(target, place, loop, segments=64)


def test_a_device_that_fails_fails_its_trials_with_its_words(
    target: LocalTarget, place: Path, lower: Lower
) -> None:
    sectors = 16 * MIB // 512
    with lower(f"0 {sectors} error") as device:
        run = _run(target, place, device, segments=2)
    (trial,) = run.trials
    assert trial.status is Status.FAILED
    assert "Input/output error (EIO)" in (trial.reason or "")
    assert "dmesg" in (trial.remedy or "")


def test_a_device_that_goes_bad_at_times_fails_then(
    target: LocalTarget, place: Path, lower: Lower
) -> None:
    """dm-flakey, down all the time for writes."""
    sectors = 16 * MIB // 512
    table = f"0 {sectors} flakey LOOP 0 0 60 1 error_writes"
    with lower(table) as device:
        run = _run(target, place, device, segments=2)
    assert [trial.status for trial in run.trials] == [Status.FAILED]


def test_a_device_that_hangs_is_given_up_and_its_tables_go(place: Path, lower: Lower) -> None:
    sectors = 16 * MIB // 512
    hasty = LocalTarget(place / "results", limit_s=3)
    with lower(f"0 {sectors} delay LOOP 0 0 LOOP 0 10000") as device:
        run = _run(hasty, place, device, rounds=3, segments=2)
    hasty.close()
    (trial,) = run.trials
    assert trial.status is Status.FAILED
    assert "no answer within 3 s" in (trial.reason or "")
    assert "loadstone-" not in dmsetup("ls")


def is_timing(loadstone: Command) -> bool:
    """Whether a Job runs on tables that are there: those before it only prepare."""
    return (
        "loadstone-flush-" in dmsetup("ls")
        and bool(loadstone.jobs())
        and bool(list(loadstone.results.glob("runs/*/manifest.json")))
    )


def test_a_kill_leaves_tables_that_clean_removes(loadstone: Command) -> None:
    words = ("run", "dm-flush", *SMALL_WORDS, "--set=segments=8", "--set=seconds=600")
    process = loadstone.start(*words)
    until(lambda: is_timing(loadstone), "a Trial to run", limit_s=120)
    process.kill()
    process.communicate()
    until(lambda: not loadstone.processes(), "its processes to end", limit_s=60)
    assert "loadstone-flush-" in dmsetup("ls")
    done = loadstone("clean")
    assert done.code == 0, done.out
    assert "removed dm-table loadstone-flush-" in done.out
    assert "removed loop " in done.out
    assert "loadstone-" not in dmsetup("ls")


def test_a_signal_takes_all_down(loadstone: Command) -> None:
    words = ("run", "dm-flush", *SMALL_WORDS, "--set=segments=8", "--set=seconds=600")
    process = loadstone.start(*words)
    until(lambda: is_timing(loadstone), "a Trial to run", limit_s=120)
    process.terminate()
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGTERM
    assert "loadstone-" not in dmsetup("ls")
