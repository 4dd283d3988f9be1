"""File systems that are made for a Run of folio-write, and gone after it."""

import json
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

import loadstone
from commands import MIB, Command, needs, needs_root, until
from leftovers import leftovers
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Status
from workloads.folio_write.writes import TIDY, run_writes


@needs_root
@needs("mkfs.ext4")
def test_more_than_the_file_system_holds_is_refused_before_the_run(small_ext4: Path) -> None:
    with pytest.raises(CannotMeasureError, match=r"64 MiB are needed, and only .* free in"):
        loadstone.run("folio-write", directory=small_ext4, results=small_ext4 / "results")
    assert not list(small_ext4.rglob("loadstone-*"))


def test_a_directory_that_refuses_files_is_told_before_the_run(place: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        loadstone.run("folio-write", directory=place / "none", results=place / "results")
    if os.geteuid() == 0:
        with pytest.raises(CannotMeasureError, match="/proc/loadstone-write"):
            loadstone.run(
                "folio-write", directory="/proc", axes={"total": 512}, results=place / "results"
            )


@TIDY
@needs_root
@needs("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
def test_file_systems_are_made_for_a_run_and_gone_after_it(place: Path) -> None:
    run = run_writes(place, fs=["ext4", "xfs", "btrfs"], size="64k")
    assert [trial.status for trial in run.trials] == [Status.OK] * 6, run.trials[0].reason
    for trial in run.trials:
        # How many is another matter: anybody may drop the page cache meanwhile.
        assert "folios" in trial.evidence
        assert trial.evidence["block.write_bytes"] >= MIB
    facts = run.manifest.environment.facts
    for type in ("ext4", "xfs", "btrfs"):
        assert str(facts[f"fs.{type}.mkfs"]).startswith(f"mkfs.{type} ")
        assert str(facts[f"fs.{type}.mkfs"]).endswith(" LOOP")


@TIDY
@needs_root
@needs("mkfs.ext4")
def test_options_of_mkfs_and_mount_are_heeded_and_told(place: Path) -> None:
    run = run_writes(place, fs="ext4", mkfs="-b 1024", mount="noatime,nodelalloc")
    facts = run.manifest.environment.facts
    assert "-b 1024" in str(facts["fs.mkfs"])
    assert facts["fs.mount_options"] == "noatime,nodelalloc"
    assert "nodelalloc" in str(facts["fs.options"])
    assert facts["fs.type"] == "ext4"
    assert str(facts["block.name"]).startswith("loop")


@TIDY
@needs_root
@needs("mkfs.ext4")
@pytest.mark.parametrize(
    ("axes", "words", "remedy"),
    [
        ({"mkfs": "-b 5"}, "invalid block size", "change mkfs or fs"),
        ({"mkfs": "--gold"}, "--gold", "change mkfs or fs"),
        ({"mount": "data=gold"}, "mount -t ext4 -o data=gold ", "change mount or fs"),
    ],
)
def test_what_mkfs_or_mount_refuse_is_a_skip_and_other_cases_run(
    place: Path, axes: Mapping[str, str], words: str, remedy: str
) -> None:
    run = run_writes(place, fs=["dir", "ext4"], **axes)
    statuses = sorted(trial.status for trial in run.trials)
    assert statuses == ["ok", "ok", "skipped"]
    (skip,) = (trial for trial in run.trials if trial.status is Status.SKIPPED)
    assert words in (skip.reason or "")
    assert skip.remedy == remedy


@TIDY
@needs_root
@needs("mkfs.f2fs")
def test_a_file_system_that_the_kernel_lacks_is_a_skip(place: Path) -> None:
    if "\tf2fs\n" in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has F2FS: run it on one that has none")
    (skip, *_) = run_writes(place, fs="f2fs").trials
    assert skip.status is Status.SKIPPED
    assert "modprobe f2fs: " in (skip.reason or "")
    assert "install this kernel's own module f2fs" in (skip.remedy or "")
    assert "`loadstone lab run WORKLOAD` boots a kernel that has f2fs" in (skip.remedy or "")


@TIDY
@needs_root
def test_no_mkfs_is_a_skip_that_names_its_package(place: Path, loadstone: Command) -> None:
    """In a mount namespace where the program's directory shows none."""
    program = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip("apt-get install e2fsprogs")
    hide = f'mount --bind /dev/null {program}; exec "$@"'
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--rounds", "1", "--quiet", "--json"),
        *("--set", "fs=dir,ext4", "--set", "total=1m"),
        before=("unshare", "--mount", "sh", "-c", hide, "sh"),
    )
    assert done.code == 0, done.err
    skips = [case["skipped"] for case in json.loads(done.out)["cases"] if case["skipped"]]
    assert len(skips) == 1
    assert "no program mkfs.ext4 here" in skips[0]
    shown = loadstone("show", "last")
    assert "install the Debian package e2fsprogs" in shown.out.replace("\n", " ")


@TIDY
@needs_root
def test_a_user_without_rights_makes_no_file_system_but_writes(
    loadstone: Command, place: Path, as_nobody: tuple[str, ...]
) -> None:
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--rounds", "1", "--quiet", "--json"),
        *("--set", "fs=dir,xfs", "--set", "total=1m"),
        before=as_nobody,
    )
    assert done.code == 0, done.err
    cases = json.loads(done.out)["cases"]
    assert sorted(bool(case["skipped"]) for case in cases) == [False, True]
    (reason,) = (case["skipped"] for case in cases if case["skipped"])
    assert "a loop device is root's to make" in reason


@TIDY
@needs_root
@needs("strace", "mkfs.ext4")
def test_no_free_loop_device_is_a_skip_with_a_remedy(loadstone: Command, place: Path) -> None:
    devices = [word for path in Path("/dev").glob("loop*") for word in ("-P", str(path))]
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--rounds", "1", "--quiet", "--json"),
        *("--set", "fs=dir,ext4", "--set", "total=1m"),
        before=(
            *("strace", "-f", "-qq", "-o", "/dev/null", *devices),
            *("-e", "trace=ioctl", "-e", "inject=ioctl:error=ENOSPC"),
        ),
    )
    assert done.code == 0, done.err
    (reason,) = (case["skipped"] for case in json.loads(done.out)["cases"] if case["skipped"])
    assert "No space left on device" in reason


@TIDY
@needs_root
@needs("mkfs.ext4")
@pytest.mark.parametrize(
    ("end", "engine"),
    [
        (signal.SIGKILL, "pwrite"),
        (signal.SIGKILL, "uring"),
        (signal.SIGINT, "pwrite"),
        (signal.SIGTERM, "pwrite"),
    ],
)
def test_a_run_that_is_ended_on_its_own_file_system_leaves_nothing(
    loadstone: Command, place: Path, end: signal.Signals, engine: str
) -> None:
    """Of itself, or where it could do nothing any more by clean."""
    axes = ("fs=ext4", "size=4k", "total=256m", "sync=every:1", f"engine={engine}")
    options = [word for axis in axes for word in ("--set", axis)]
    process = loadstone.start("run", "folio-write", "--dir", place, *options)
    written = "loadstone-mount-*/loadstone-write-*"
    until(lambda: list(place.glob(written)) and loadstone.jobs(), "the writes to begin")
    assert leftovers(place).loops
    assert leftovers(place).mounts
    process.send_signal(end)
    process.communicate(timeout=60)
    if end is signal.SIGKILL:
        until(lambda: not loadstone.jobs(), "the job to end")
        assert leftovers(place).mounts
    done = loadstone("clean")
    assert done.code == 0, done.out
    assert ("removed mount" in done.out) == (end is signal.SIGKILL)
