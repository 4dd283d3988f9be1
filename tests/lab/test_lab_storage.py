"""Every sort of storage and file system, made in a guest and loaded from."""

from pathlib import Path
from typing import Any

import pytest

import loadstone
from lab.laboratory import NEW, OLD, Lab
from loadstone.lab.cache import stock_kernels
from loadstone.model import Run

pytestmark = pytest.mark.lab

QUICK = ("--rounds", "1", "--warmups", "0", "--size", "8MiB", "--set", "engine=pread")


def only_run(lab: Lab, said: dict[str, Any]) -> Run:
    (told,) = said["runs"]
    (case,) = told["cases"]
    assert (case["trials"], case["failed"], case["invalid"]) == (1, 0, 0)
    return loadstone.load(told["run"], results=lab.command.results)


def test_xfs_under_a_kernel_named_by_its_path(lab: Lab) -> None:
    lab.run("--help")
    image = next(kernel.image for kernel in stock_kernels() if kernel.suite == NEW)
    run = only_run(lab, lab(*QUICK, "--fs", "xfs", f"--kernel={image}", kernel=()))
    facts = run.manifest.environment.facts
    assert facts["fs.type"] == "xfs"
    assert str(facts["fs.mkfs"]).startswith("mkfs.xfs ")
    assert facts["lab.kernel"] == str(image)


def test_f2fs_on_zones_under_the_old_kernel(lab: Lab) -> None:
    facts = only_run(
        lab, lab(*QUICK, "--set", "io=buffered", "--storage", "zoned", kernel=(OLD,))
    ).manifest.environment.facts
    assert facts["fs.type"] == "f2fs"
    assert facts["storage.zoned"] is True
    assert "-m" in str(facts["fs.mkfs"]).split()


def test_btrfs_on_a_disk_of_the_hosts_by_the_wall_clock(lab: Lab) -> None:
    said = lab(*QUICK, "--storage", "disk", "--fs", "btrfs", "--set", "io=buffered", "--clock=wall")
    facts = only_run(lab, said).manifest.environment.facts
    assert facts["fs.type"] == "btrfs"
    assert facts["clock.name"] == "wall"


def test_a_profile_of_the_users_own(lab: Lab, tmp_path: Path) -> None:
    slow = tmp_path / "mine.toml"
    slow.write_text(
        "[slow]\nsummary = 'a card'\nsource = 'assumed'\ncompletion_nsec = 500_000\n"
        "max_sectors = '64KiB'\nhw_queue_depth = 1\n"
    )
    words = ("--set", "block=64k", "--mkfs", "-b 4096 -I 512", "--mount", "noatime")
    run = only_run(lab, lab(*QUICK, *words, "--storage", slow))
    facts = run.manifest.environment.facts
    assert facts["storage.completion_nsec"] == 500_000
    assert "noatime" in str(facts["fs.options"])
    assert "-I 512" in str(facts["fs.mkfs"])
    (trial,) = run.trials
    # 128 reads, one at a time, of half a millisecond each.
    assert trial.metrics["ready_ns"] >= 128 * 500_000
