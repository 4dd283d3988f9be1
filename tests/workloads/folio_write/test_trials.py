"""What a Trial of folio-write tells, and what it leaves behind: nothing."""

import contextlib
import errno
import json
import re
import shutil
from pathlib import Path

import pytest

from commands import MIB, Command, needs, needs_root, until
from loadstone.core import native
from loadstone.model import Outcome, Status
from loadstone.provision.file_system import made_file_system
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import loop_device
from loadstone.targets.local import LocalTarget
from workloads.folio_write.writes import TIDY, case_of, prepared_in, run_writes


def test_a_trial_tells_times_bytes_and_latencies(place: Path) -> None:
    run = run_writes(place, size=["4k", "64k"], pattern=["fresh", "overwrite", "append"])
    assert [trial.status for trial in run.trials] == [Status.OK] * 12, run.trials[0].reason
    sizes = {case.id: int(case.parameters["size"]) for case in run.manifest.plan.cases}
    for trial in run.trials:
        metrics, evidence = trial.metrics, trial.evidence
        assert set(metrics) == {"throughput", "durable_ns", "write_ns", "cpu_per_gb"}
        assert metrics["throughput"] == pytest.approx(MIB / metrics["write_ns"] * 1e9)
        assert metrics["durable_ns"] >= metrics["write_ns"] > 0
        assert evidence["verified_bytes"] == MIB
        assert evidence["dirty_before_bytes"] >= 0
        writes, syncs = trial.histograms
        assert (writes.name, writes.count) == ("write", MIB // sizes[trial.case])
        assert (syncs.name, syncs.count) == ("sync", 1)
        assert writes.sum_ns <= metrics["write_ns"]
    assert not list(place.rglob("loadstone-*"))


def test_what_is_never_synced_has_no_time_to_durable(place: Path) -> None:
    for trial in run_writes(place, sync="none").trials:
        assert trial.status is Status.OK
        assert "durable_ns" not in trial.metrics
        assert [histogram.name for histogram in trial.histograms] == ["write"]


def test_syncs_are_counted_as_they_are_asked_for(place: Path) -> None:
    """256 writes: after each 100 of them, and after the last."""
    for trial in run_writes(place, size="4k", sync="every:100").trials:
        assert {one.name: one.count for one in trial.histograms} == {"write": 256, "sync": 3}


@pytest.mark.alone
@needs_root
def test_root_sees_folios_and_all_their_bytes(place: Path) -> None:
    for trial in run_writes(place, size=["4k", "1m"]).trials:
        orders = {
            name: count for name, count in trial.evidence.items() if name.startswith("folio_order_")
        }
        assert sum(orders.values()) == trial.evidence["cached_after_bytes"] == MIB
        assert trial.evidence["folio_mean_bytes"] == MIB // trial.evidence["folios"]
        assert not trial.notes or "folio" not in trial.notes[0]


@needs_root
def test_without_rights_folios_are_unknown_and_never_a_guess(
    loadstone: Command, place: Path, as_nobody: tuple[str, ...]
) -> None:
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--set", "size=64k", "--set", "total=1m"),
        *("--rounds", "1", "--json", "--quiet"),
        before=as_nobody,
    )
    assert done.code == 0, done.err
    (case,) = json.loads(done.out)["cases"]
    assert case["evidence"]["folio_mean_bytes"] == -1
    assert not [name for name in case["evidence"] if name.startswith("folio_order_")]
    shown = loadstone("show", "last")
    assert "folio orders unknown: root may see them" in shown.out
    assert " unknown " in shown.out


@needs_root
@needs("mkfs.ext4")
def test_a_file_system_that_runs_full_fails_the_trial_and_is_given_back(
    small_ext4: Path,
) -> None:
    prepared = prepared_in(small_ext4)
    case = case_of(size=65536, total=64 * MIB)
    outcome = native.run_job(prepared.job(case))
    finding = prepared.evaluate(case, outcome)
    assert finding.status is Status.FAILED
    assert finding.reason is not None
    assert finding.reason.startswith("the file system ran full: write ")
    assert "No space left on device (ENOSPC)" in finding.reason
    assert "--set total" in (finding.remedy or "")
    assert not list(small_ext4.glob("loadstone-*"))


@TIDY
@needs_root
def test_a_run_that_is_killed_leaves_a_file_that_clean_removes(
    loadstone: Command, place: Path
) -> None:
    options = ("--set", "size=4k", "--set", "total=256m", "--set", "sync=every:1")
    process = loadstone.start("run", "folio-write", "--dir", place, *options)
    until(lambda: list(place.glob("loadstone-write-*")), "the file to be made")
    process.kill()
    process.communicate()
    until(lambda: not loadstone.jobs(), "the job to end")
    assert list(place.glob("loadstone-write-*"))
    assert loadstone("clean").code == 0
    assert not list(place.glob("loadstone-write-*"))


def test_an_overwrite_of_what_is_cached_is_invalid(place: Path) -> None:
    prepared, case = prepared_in(place), case_of(pattern="overwrite", size=65536)
    outcome = native.run_job(prepared.job(case))
    assert prepared.evaluate(case, outcome).status is Status.OK
    for found, words in ((4096, "not cold: 4 KiB"), (-errno.EPERM, "not known to be cold")):
        warm = {**outcome.values, "cached_before_bytes": found}
        finding = prepared.evaluate(case, Outcome(values=warm))
        assert (finding.status, (finding.reason or "").startswith(words)) == (Status.INVALID, True)


def test_a_write_larger_than_the_total_is_a_skip(place: Path) -> None:
    run = run_writes(place, size=["64k", "2m"])
    assert sorted(trial.status for trial in run.trials) == ["ok", "ok", "skipped"]
    skip = next(trial for trial in run.trials if trial.status is Status.SKIPPED)
    assert skip.remedy == "--set total=2MiB or more"


@pytest.mark.parametrize("pattern", ["fresh", "append"])
def test_threads_show_as_lanes_and_their_latencies_as_one(place: Path, pattern: str) -> None:
    for trial in run_writes(place, size="64k", threads=3, pattern=pattern).trials:
        assert trial.status is Status.OK, trial.reason
        assert sorted(span.lane for span in trial.spans if span.name == "write") == [0, 1, 2]
        assert {one.name: one.count for one in trial.histograms} == {"write": 16, "sync": 1}
        last_ns = max(span.end_ns for span in trial.spans if span.name == "write")
        assert trial.metrics["write_ns"] == last_ns
        assert trial.evidence["verified_bytes"] == MIB


def test_a_ring_s_writes_are_timed_from_submission_to_completion(place: Path) -> None:
    """So those that are in flight together take, in sum, longer than all of them."""
    (case,) = (run := run_writes(place, size="64k", engine="uring", depth=8)).manifest.plan.cases
    assert case.label == "64KiB×8 fresh uring of 1MiB"
    for trial in run.trials:
        assert trial.status is Status.OK, trial.reason
        assert trial.evidence["verified_bytes"] == MIB
        writes, syncs = trial.histograms
        assert (writes.count, syncs.count) == (16, 1)
        assert trial.metrics["write_ns"] < writes.sum_ns


@needs("strace")
def test_a_kernel_that_refuses_io_uring_is_a_skip(loadstone: Command, place: Path) -> None:
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--rounds", "1", "--quiet", "--json"),
        *("--set", "engine=pwrite,uring", "--set", "total=1m"),
        before=(
            *("strace", "-f", "-qq", "-o", "/dev/null"),
            *("-e", "trace=io_uring_setup", "-e", "inject=io_uring_setup:error=ENOSYS"),
        ),
    )
    assert done.code == 0, done.err
    (reason,) = (case["skipped"] for case in json.loads(done.out)["cases"] if case["skipped"])
    assert reason.startswith("this kernel or its sandbox has no io_uring: io_uring_setup ")


def test_more_threads_than_writes_are_a_skip(place: Path) -> None:
    (skip, *_) = run_writes(place, size="512k", threads=3).trials
    assert (skip.status, skip.reason) == (Status.SKIPPED, "2 writes are too few for 3 threads")
    assert skip.remedy == "--set total=1536KiB or more, or a smaller size"


@TIDY
@needs_root
@needs("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
def test_threads_write_whole_files_on_every_file_system(place: Path) -> None:
    axes = {"pattern": ["fresh", "overwrite", "append"], "io": ["buffered", "direct"]}
    axes |= {"engine": ["pwrite", "uring"]}
    run = run_writes(place, fs=["ext4", "xfs", "btrfs"], size="16k", threads=4, **axes)
    assert len(run.trials) == 72
    losing = {
        case.id
        for case in run.manifest.plan.cases
        if {case.parameters[name] for name in ("pattern", "io")} == {"append", "direct"}
    }
    for trial in run.trials:
        if trial.status is Status.FAILED and trial.case in losing:
            # XFS, at least up to Linux 6.18.
            assert (trial.reason or "").startswith("appends were lost: ")
            assert "io=buffered" in (trial.remedy or "")
            continue
        assert trial.status is Status.OK, trial.reason
        assert trial.evidence["verified_bytes"] == MIB


@TIDY
@needs_root
@needs("mkfs.btrfs")
def test_what_compresses_reaches_a_compressing_file_system_s_device_smaller(place: Path) -> None:
    run = run_writes(
        place, fs="btrfs", mount="compress=zstd", payload=["random", "text", "zero"], total=8 * MIB
    )
    written = {"random": 0.0, "text": 0.0, "zero": 0.0}
    payloads = {case.id: str(case.parameters["payload"]) for case in run.manifest.plan.cases}
    for trial in run.trials:
        assert trial.status is Status.OK, trial.reason
        written[payloads[trial.case]] += trial.evidence["block.write_bytes"]
    assert written["zero"] < 0.2 * written["random"]
    assert written["text"] < 0.7 * written["random"]


@TIDY
@needs_root
@needs("mkfs.ext4")
def test_a_disk_that_runs_full_below_a_loop_device_fails_the_trial(
    small_ext4: Path, tmp_path: Path
) -> None:
    """The image is sparse: its own disk has no room for what is written into it."""
    image = small_ext4 / "loadstone-image"
    with image.open("wb") as stream:
        stream.truncate(256 * MIB)
    point = tmp_path / "loadstone-inner"
    with (
        contextlib.closing(LocalTarget(tmp_path / "journaled")) as target,
        Journal(tmp_path / "journaled") as journal,
        loop_device(target, journal, image) as device,
        made_file_system(device, "ext4", "", "", point, journal),
    ):
        prepared, case = prepared_in(point), case_of(size=65536, total=64 * MIB)
        outcome = native.run_job(prepared.job(case))
        finding = prepared.evaluate(case, outcome)
    image.unlink()
    shutil.rmtree(tmp_path / "journaled")
    assert finding.status is Status.FAILED
    assert re.search("ran full|the device failed", finding.reason or "")


def test_witnesses_that_disagree_are_noted(place: Path) -> None:
    prepared, case = prepared_in(place), case_of(size=65536)
    outcome = native.run_job(prepared.job(case))
    for traced, is_noted in ((65536, False), (32768, False), (16384, True), (1 << 20, True)):
        values = {**outcome.values, "folio_mean_bytes": 65536, "traced_folio_mean_bytes": traced}
        notes = prepared.evaluate(case, Outcome(values=values)).notes
        assert any("by the tracepoint" in note for note in notes) == is_noted


@needs_root
def test_root_sees_the_same_folios_with_both_witnesses(place: Path) -> None:
    for trial in run_writes(place, size=["4k", "64k"]).trials:
        traced = trial.evidence["traced_folio_mean_bytes"]
        if traced < 0:
            pytest.skip("this kernel's tracepoint tells no order: run on a newer kernel")
        assert traced == trial.evidence["folio_mean_bytes"]
