"""In a control group of little memory what does not fit is skipped; nothing half loaded ranks."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import loadstone as api
from commands import MIB, Command, needs_root
from loadstone.model import Status
from memory_groups import MemoryGroup, memory_group

pytestmark = needs_root

ONCE = ("--rounds", "1", "--warmups", "0")
BOTH = ("--set", "engine=pread,mmap")


@pytest.fixture
def group() -> Iterator[MemoryGroup]:
    with memory_group(160 * MIB) as made:
        yield made


@pytest.fixture
def large(loadstone: Command) -> Path:
    """A file that fits into this machine and not into the group."""
    path = loadstone.place / "model.gguf"
    path.touch()
    os.truncate(path, 256 * MIB)
    return path


def test_what_does_not_fit_is_skipped_and_nothing_is_the_fastest(
    loadstone: Command, large: Path, group: MemoryGroup
) -> None:
    done = loadstone("run", "--file", large, *BOTH, *ONCE, before=group.inside)
    assert done.code == 3
    assert "fastest" not in done.out
    run = api.load("last", results=loadstone.results)
    for case in api.summarise(run):
        words = "256 MiB do not fit into this cgroup's 160 MiB of memory, of which "
        assert (case.skipped or "").startswith(words)
        assert (case.remedy or "").startswith(f"raise {group.limit_file} (")
    facts = run.manifest.environment.facts
    assert facts["memory.cgroup_limit_bytes"] == 160 * MIB
    available = facts["memory.available_bytes"]
    assert isinstance(available, int)
    assert 0 < available < 160 * MIB


def test_a_made_model_is_as_small_as_the_group_wants_it(
    loadstone: Command, group: MemoryGroup
) -> None:
    done = loadstone("run", "--set", "engine=pread,mmap", *ONCE, before=group.inside)
    assert done.code == 0, done.err
    assert "this cgroup's memory is short: the model is " in done.err
    asked = loadstone("run", "--size", "200m", *BOTH, before=group.inside)
    assert asked.code == 3
    assert asked.complaint.startswith(
        "--size 200MiB: it does not fit into this cgroup's 160 MiB of memory, of which "
    )


def test_doctor_tells_the_group_s_memory(
    loadstone: Command, large: Path, group: MemoryGroup
) -> None:
    done = loadstone("doctor", "--file", large, before=group.inside)
    said = " ".join(done.out.split())
    assert "this cgroup's 160 MiB of memory, of which" in said
    assert f"256 MiB to load → raise {group.limit_file}" in said


def test_a_mapping_that_was_partly_evicted_is_invalid(loadstone: Command, large: Path) -> None:
    """The limit is hidden from Loadstone, as one above a cgroup namespace is."""
    with memory_group(160 * MIB) as group:
        point = group.directory.parent
        hide = ("unshare", "--mount", "sh", "-c", 'umount "$0" && exec "$@"', str(point))
        words = ("run", "--file", large, "--set", "engine=mmap", *ONCE)
        done = loadstone(*words, before=(*group.inside, *hide))
    (trial,) = api.load("last", results=loadstone.results).trials
    assert trial.status == "invalid", done.err
    assert (trial.reason or "").startswith("not loaded: only ")
    assert "of the mapped 256 MiB were in memory when the last had come" in (trial.reason or "")
    assert "fastest" not in done.out


def test_written_pages_that_do_not_stay_in_the_group_are_noted(
    loadstone: Command, group: MemoryGroup
) -> None:
    axes = ("--set", "size=1m", "--set", "total=160m", "--set", "io=buffered")
    done = loadstone("run", "folio-write", *axes, *ONCE, before=group.inside)
    assert done.code == 0, done.err
    (trial,) = api.load("last", results=loadstone.results).trials
    assert any(
        note.startswith("160MiB do not stay cached in this cgroup's 160 MiB of memory")
        for note in trial.notes
    ), trial.notes


def test_a_command_that_is_killed_as_memory_ran_out_fails_and_the_others_go_on(
    loadstone: Command, model: Path, group: MemoryGroup
) -> None:
    taker = f"exec {sys.executable} -c 'x = b\"1\" * (400 << 20)' {{file}}"
    words = ("run", "command", "--file", model, "--set", f"command={taker},cat {{file}} >/dev/null")
    done = loadstone(*words, "--set", "own=engine=pread", *ONCE, before=group.inside)
    assert done.code == 4, done.err
    trials = api.load("last", results=loadstone.results).trials
    failed = [trial for trial in trials if trial.status is Status.FAILED]
    assert len(trials) == 3
    assert len(failed) == 1
    assert "killed by SIGKILL (out of memory, or by another process)" in (failed[0].reason or "")
    assert "dmesg" in (failed[0].remedy or "")
