"""Damaged blocks under dm-verity in the kernel: what is read of what, and what comes back."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import MIB, Command, until
from dm.dm_devices import dmsetup
from loadstone.model import Status, Trial
from loadstone.plan.request import Request, make_plan
from loadstone.runs.runner import Silence, run_plan
from loadstone.targets.local import LocalTarget

_PLAN = """
workload = "dm-verity-fec"

[set]
damage = ["corrupt", "error"]
read = ["direct", "buffered"]

[[case]]
fec_roots = 8
blocks = 3

[[case]]
read = "readahead"
blocks = 2

[[case]]
damage = "error"
read = "readahead"
blocks = 4

[[case]]
damage = "suspended"
read = "readahead"
blocks = 4

[[case]]
damage = "none"
blocks = 8

[[case]]
damage = "none"
blocks = 8
fec_roots = 0

[[case]]
fec_roots = 0

[[case]]
damage = "error"
fec_roots = 0

[[case]]
blocks = 64
"""


@pytest.fixture(scope="module")
def trials(target: LocalTarget, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trial]:
    """Of one Run, by their Cases' labels."""
    place = tmp_path_factory.mktemp("fec")
    (place / "plan.toml").write_text(_PLAN)
    request = Request(
        what=str(place / "plan.toml"), size_bytes=4 * MIB, rounds=1, warmups=0, seed=1
    )
    run = run_plan(make_plan(request)[0], target, place / "results", Silence())
    labels = {case.id: case.label for case in run.manifest.plan.cases}
    return {labels[trial.case]: trial for trial in run.trials}


@pytest.mark.parametrize("damage", ["corrupt", "error"])
@pytest.mark.parametrize("read", ["direct", "buffered"])
def test_a_damaged_block_costs_a_read_for_each_byte_of_a_codeword(
    trials: dict[str, Trial], damage: str, read: str
) -> None:
    trial = trials[f"{damage} {read} roots 2"]
    assert trial.status is Status.OK, trial.reason
    assert trial.evidence["verified_bytes"] == 4096
    assert trial.evidence["fec_read_ios"] == 2
    # Less the padding behind the image, and blocks of the tree that are there already.
    assert 190 <= trial.metrics["lower_reads_per_block"] <= 255 + 32
    # Linux 6.1 does not count them.
    assert trial.evidence.get("corrected_blocks", 1) == 1


def test_blocks_in_a_row_cost_as_much_each_whatever_reads_them(trials: dict[str, Trial]) -> None:
    one = trials["corrupt direct roots 2"].metrics["lower_reads_per_block"]
    for label, blocks in (("corrupt direct roots 8 ×3", 3), ("corrupt readahead roots 2 ×2", 2)):
        assert trials[label].status is Status.OK, trials[label].reason
        assert trials[label].evidence["verified_bytes"] == blocks * 4096
        assert trials[label].metrics["lower_reads_per_block"] == pytest.approx(one, rel=0.1)


@pytest.mark.parametrize("damage", ["error", "suspended"])
def test_read_ahead_that_fails_is_no_corruption(trials: dict[str, Trial], damage: str) -> None:
    """Commit 0193e3966cee, which every kernel at hand has."""
    trial = trials[f"{damage} readahead roots 2 ×4"]
    assert trial.status is Status.OK, trial.reason
    assert trial.evidence["fec_read_ios"] == 0
    assert trial.metrics["lower_reads_per_block"] <= 1
    assert trial.evidence["verified_bytes"] == 4 * 4096
    if damage == "suspended":
        assert trial.evidence["suspended_ns"] >= 200_000_000


@pytest.mark.parametrize("fec", ["roots 2", "no FEC"])
def test_undamaged_blocks_are_read_once_with_and_without_fec(
    trials: dict[str, Trial], fec: str
) -> None:
    trial = trials[f"undamaged direct {fec} ×8"]
    assert trial.status is Status.OK, trial.reason
    assert trial.metrics["lower_reads_per_block"] <= 1
    assert trial.evidence.get("fec_read_ios", 0) == 0


@pytest.mark.parametrize("damage", ["corrupt", "error"])
def test_without_fec_damage_is_an_error_and_nothing_more(
    trials: dict[str, Trial], damage: str
) -> None:
    trial = trials[f"{damage} direct no FEC"]
    assert trial.status is Status.OK, trial.reason
    assert trial.evidence["read_errno"] == 5
    assert "verified_bytes" not in trial.evidence
    assert trial.metrics["lower_reads_per_block"] <= 2


def test_more_than_can_be_corrected_is_a_skip(trials: dict[str, Trial]) -> None:
    trial = trials["corrupt direct roots 2 ×64"]
    assert trial.status is Status.SKIPPED
    assert trial.reason == (
        "64 blocks in a row are more than 2 roots correct in an image of this size: 10"
    )


_OWNER = """
import sys, time
from pathlib import Path
from loadstone.provision.device_mapper import mapped_device, resumed_at_the_end
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget

results, loop = Path(sys.argv[1]), sys.argv[2]
target = LocalTarget(results)
with (
    Journal(results) as journal,
    mapped_device(target, journal, f"0 2048 linear {loop} 0", what="below") as below,
    mapped_device(target, journal, f"0 2048 linear {below.number} 0", what="over") as over,
    resumed_at_the_end(journal, below),
):
    print(below.name, over.path, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def owner(loadstone: Command, loop: str) -> Iterator["subprocess.Popen[str]"]:
    """A process with a device over another; its kill leaves both."""
    words = [sys.executable, "-c", _OWNER, str(loadstone.results), loop]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_clean_resumes_first_what_devices_over_it_wait_for(
    loadstone: Command, owner: "subprocess.Popen[str]"
) -> None:
    """A reader that hangs keeps its device open for as long as the one below is suspended."""
    assert owner.stdout is not None
    below, over = owner.stdout.readline().split()
    dmsetup("suspend", below)
    reader = subprocess.Popen(["dd", f"if={over}", "of=/dev/null", "iflag=direct", "count=1"])
    until(lambda: _in_flight(over), "a read that waits", limit_s=60)
    owner.kill()
    owner.wait()
    done = loadstone("clean")
    assert done.code == 0, done.out + done.err
    assert f"removed dm-suspension {below}" in done.out
    assert "loadstone-" not in dmsetup("ls")
    assert reader.wait(timeout=60) == 0


def _in_flight(device: str) -> bool:
    return Path(f"/sys/block/{Path(device).name}/inflight").read_text().split()[0] != "0"
