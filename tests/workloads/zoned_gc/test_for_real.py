"""zoned-gc on zoned devices that are made for it, where the kernel has null_blk and F2FS."""

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from commands import MIB, Command, needs_root, until
from file_systems import needs_f2fs
from loadstone import run as run_workload
from loadstone.model import Run, Status, Trial


def _has_null_blk() -> bool:
    modprobe = shutil.which("modprobe", path="/usr/sbin:/sbin")
    words = [str(modprobe), "--dry-run", "null_blk"]
    return bool(modprobe) and subprocess.run(words, check=False).returncode == 0


pytestmark = [
    needs_root,
    needs_f2fs,
    pytest.mark.skipif(
        not _has_null_blk(), reason="no null_blk in this kernel: run the tests on one that has it"
    ),
    pytest.mark.root,
    pytest.mark.usefixtures("nothing_is_left"),
]

_SMALL = {"device": 192 * MIB, "zone": 4 * MIB, "total": 64 * MIB}
_WINDOWS = 24


def run_gc(place: Path, rounds: int = 1, **axes: object) -> Run:
    return run_workload(
        "zoned-gc",
        axes={**_SMALL, **axes},  # type: ignore[dict-item]
        directory=str(place),
        rounds=rounds,
        warmups=0,
        results=place / "results",
    )


def by(run: Run, name: str) -> dict[object, list[Trial]]:
    """The Trials by their Cases' value of a parameter, in the order of rounds."""
    found: dict[object, list[Trial]] = {}
    values = {case.id: case.parameters[name] for case in run.manifest.plan.cases}
    for one in sorted(run.trials, key=lambda trial: trial.round):
        found.setdefault(values[one.case], []).append(one)
    return found


def test_cleaning_amplifies_what_is_written_and_is_the_same_each_time(place: Path) -> None:
    found = by(run_gc(place, rounds=2, fs=["f2fs", "f2fs-conventional"]), "fs")
    assert {one.status for trials in found.values() for one in trials} == {Status.OK}, [
        one.reason for trials in found.values() for one in trials
    ]
    zoned = found["f2fs"]
    amplification = [one.metrics["write_amplification"] for one in zoned]
    assert amplification[0] == pytest.approx(amplification[1], rel=0.02)
    assert amplification[0] > 1.3
    for one in found["f2fs-conventional"]:
        assert one.metrics["write_amplification"] == pytest.approx(1, abs=0.05)
        assert one.evidence["f2fs.gc_foreground_calls"] == 0
    for one in zoned:
        evidence, metrics = one.evidence, one.metrics
        assert evidence["bytes"] == evidence["run_up_bytes"] == 32 * MIB
        assert evidence["verified_bytes"] == evidence["file_bytes"] > 20 * MIB
        assert evidence["f2fs.gc_foreground_calls"] > 0
        moved = sum(evidence[f"f2fs.moved_blocks_{way}"] for way in ("foreground", "background"))
        assert 0 < moved * 4096 < (metrics["write_amplification"] - 1) * evidence["bytes"]
        latencies = [metrics[f"write_{name}_ns"] for name in ("p50", "p99", "p999", "max")]
        assert latencies == sorted(latencies)
        assert {name: len(values) for name, values in one.series.items()} == dict.fromkeys(
            ("write_amplification", "p50_ns", "p99_ns", "max_ns", "free_segments"), _WINDOWS
        )
        timed = one.series["write_amplification"][_WINDOWS // 2 :]
        assert sum(timed) / len(timed) == pytest.approx(metrics["write_amplification"], rel=1e-3)
        # Nothing is lost between windows: all of the device's writes are in one.
        written = metrics["write_amplification"] * evidence["bytes"]
        assert evidence["block.write_bytes"] == pytest.approx(written, rel=0.005)


def test_direct_writes_are_measured_or_skipped_and_zonefs_has_nothing_to_clean(
    place: Path,
) -> None:
    found = by(run_gc(place, fs=["f2fs", "zonefs"], sync="none"), "fs")
    for fs, (one,) in found.items():
        if one.status is Status.SKIPPED:
            assert "O_DIRECT" in str(one.reason)
            assert one.remedy
            continue
        assert one.status is Status.OK, one.reason
        assert one.evidence["verified_bytes"] > 20 * MIB
        if fs == "zonefs":
            assert one.metrics["write_amplification"] == 1
        else:
            assert one.metrics["write_amplification"] > 1.1


def test_a_knob_is_set_and_read_back_or_the_kernel_has_none(place: Path) -> None:
    (one,) = run_gc(place, reserved="20", total=64 * MIB).trials
    if one.status is Status.SKIPPED:
        assert "no reserved_segments" in str(one.reason)
        return
    assert one.status is Status.OK, one.reason
    assert one.evidence["reserved_segments"] == 20


def test_a_device_on_which_mkfs_makes_nothing_is_a_skip_in_its_words(place: Path) -> None:
    found = by(run_gc(place, conventional=[0, 8], total=64 * MIB), "conventional")
    (none,), (eight,) = found[0], found[8]
    assert none.status is Status.SKIPPED
    assert "No conventional zone for super block" in str(none.reason)
    assert "conventional=8" in str(none.remedy)
    assert eight.status is Status.OK, eight.reason


def test_nothing_is_left_of_a_run_that_was_killed_once_clean_ran(
    loadstone: Command, place: Path
) -> None:
    words = [f"--set={name}={value}" for name, value in {**_SMALL, "total": "1g"}.items()]
    process = loadstone.start("run", "zoned-gc", "--dir", str(place), *words, "--rounds=9")
    until(lambda: any(place.glob("loadstone-mount-*/loadstone-write")), "it to write", 120)
    for one in loadstone.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = loadstone("clean")
    assert done.code == 0, done.err
    assert not list(place.glob("loadstone-mount-*"))
