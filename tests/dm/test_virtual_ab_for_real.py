"""An update of virtual A/B in the kernel: read before, while and after it is merged."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import MIB, Command, until
from dm.dm_devices import dmsetup, node_of
from loadstone.model import Status, Trial
from loadstone.plan.request import Request, make_plan
from loadstone.runs.runner import Silence, run_plan
from loadstone.targets.local import LocalTarget

_IMAGE_BYTES = 8 * MIB
_STATES = ("updated", "merging", "merged")
_CASES = (
    'pattern = "random"\nextents = 32\npiece = "4KiB"\nthreads = 3',
    'pattern = "sequential"\nfec_roots = 0\nblock = "8KiB"',
)
_PLAN = "\n".join(
    (
        'workload = "virtual-ab"',
        *(
            f'[[case]]\nstate = "{state}"\nchanged = 75\ntotal = "1MiB"\n{case}'
            for state in _STATES
            for case in _CASES
        ),
    )
)
# How much of the time dm-snapshot may copy, in percent.
_THROTTLE = Path("/sys/module/dm_snapshot/parameters/snapshot_copy_throttle")


@pytest.fixture(scope="module")
def trials(target: LocalTarget, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trial]:
    """Of one Run, by state and pattern."""
    place = tmp_path_factory.mktemp("update")
    (place / "plan.toml").write_text(_PLAN)
    request = Request(
        what=str(place / "plan.toml"), size_bytes=_IMAGE_BYTES, rounds=1, warmups=0, seed=1
    )
    run = run_plan(make_plan(request)[0], target, place / "results", Silence())
    cases = {case.id: case.parameters for case in run.manifest.plan.cases}
    return {_name_of(cases[trial.case]): trial for trial in run.trials}


def _name_of(parameters: object) -> str:
    assert isinstance(parameters, dict)
    return f"{parameters['state']} {parameters['pattern']}"


@pytest.mark.parametrize("state", _STATES)
@pytest.mark.parametrize("pattern", ["random", "sequential"])
def test_what_is_read_is_the_updated_image_and_so_is_what_is_left(
    trials: dict[str, Trial], state: str, pattern: str
) -> None:
    trial = trials[f"{state} {pattern}"]
    assert trial.status is Status.OK, trial.reason
    assert trial.evidence["verified_bytes"] == _IMAGE_BYTES
    assert 0 < trial.metrics["read_ns"] <= trial.metrics["read_p99_ns"]
    # Linux 6.1 does not count them.
    assert trial.evidence.get("corrected_blocks", 0) == 0
    assert trial.evidence.get("fec_read_ios", 0) == 0
    assert trial.evidence["hash_read_ios"] == 0
    assert not trial.notes


@pytest.mark.parametrize("pattern", ["random", "sequential"])
def test_all_that_the_update_changed_is_merged_and_nothing_else(
    trials: dict[str, Trial], pattern: str
) -> None:
    trial = trials[f"merging {pattern}"]
    assert trial.evidence["merged_bytes"] == 0.75 * _IMAGE_BYTES
    assert trial.evidence["base_write_bytes"] == 0.75 * _IMAGE_BYTES
    # Of the store: its metadata, each time some chunks are there.
    assert trial.evidence["cow_write_bytes"] > 0
    assert trial.evidence["cow_read_bytes"] >= 0.75 * _IMAGE_BYTES
    for moved in ("read_per_merged_byte", "written_per_merged_byte"):
        assert trial.evidence[moved] >= 1
    # Of what is copied, and of the metadata that says so.
    assert trial.evidence["block.flush_ios"] >= 2
    assert trial.metrics["flushes_per_chunk"] > 0
    assert trial.metrics["merge_mib_per_s"] > 0
    assert trial.evidence["to_merging_ns"] > 0
    assert trial.evidence["to_merged_ns"] > 0


@pytest.mark.parametrize("pattern", ["random", "sequential"])
def test_a_snapshot_is_read_of_both_and_nothing_is_written(
    trials: dict[str, Trial], pattern: str
) -> None:
    updated, merged = trials[f"updated {pattern}"], trials[f"merged {pattern}"]
    assert updated.evidence["cow_read_bytes"] > 0
    assert updated.evidence["base_read_bytes"] > 0
    total = updated.evidence["cow_read_bytes"] + updated.evidence["base_read_bytes"]
    assert total == updated.evidence["bytes"]
    assert merged.evidence["base_read_bytes"] == merged.evidence["bytes"]
    for trial in (updated, merged):
        assert trial.evidence["base_write_ios"] == 0
        assert "merge_mib_per_s" not in trial.metrics


@pytest.fixture
def slow_merges() -> Iterator[None]:
    """For as long as a test takes, dm-snapshot copies for a hundredth of the time."""
    subprocess.run(["modprobe", "dm_snapshot"], check=True)
    was = _THROTTLE.read_text()
    _THROTTLE.write_text("1")
    yield
    _THROTTLE.write_text(was)


@pytest.mark.usefixtures("slow_merges")
def test_clean_ends_a_merge_that_was_killed_and_resumes_what_is_suspended(
    loadstone: Command,
) -> None:
    """A reader hangs over the snapshot that is suspended amid its merge."""
    process = loadstone.start(
        *("run", "virtual-ab", "--size", "8MiB", "--rounds", "1", "--warmups", "0"),
        *("--set", "state=merging", "--set", "piece=4KiB"),
        before=("setsid",),
    )
    until(lambda: "snapshot-merge" in dmsetup("table"), "a merge", limit_s=120)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    snapshot, verity = (_named(what) for what in ("snapshot", "verity"))
    dmsetup("suspend", snapshot)
    assert int(dmsetup("status", snapshot).split()[3].split("/")[0]) > 16, "the merge was over"
    node = node_of(verity)
    words = ("of=/dev/null", "iflag=direct", "bs=4096", "count=1")
    reader = subprocess.Popen(["dd", f"if={node}", *words])
    until(lambda: _in_flight(node), "a read that waits", limit_s=60)
    done = loadstone("clean")
    assert done.code == 0, done.out + done.err
    assert f"removed dm-suspension {snapshot}" in done.out
    assert f"removed dm-table {verity}" in done.out
    assert "loadstone-" not in dmsetup("ls")
    assert reader.wait(timeout=60) == 0
    loadstone.check_nothing_is_left()


def _named(what: str) -> str:
    """The one device of ours that is for that."""
    lines = dmsetup("ls").splitlines()
    (found,) = (line.split()[0] for line in lines if line.startswith(f"loadstone-{what}-"))
    return found


def _in_flight(device: str) -> bool:
    return Path(f"/sys/block/{Path(device).name}/inflight").read_text().split()[0] != "0"
