"""Groups that limit a Job's memory: made where this process may, entered, and gone afterwards."""

import errno
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from commands import needs_root, until
from loadstone.core import native
from loadstone.errors import CannotMeasureError
from loadstone.model import Job
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean
from loadstone.provision.memory_group import MemoryGroup, memory_group
from loadstone.targets import Target
from loadstone.targets.local import LocalTarget
from memory_groups import MemoryGroup as Above
from memory_groups import memory_group as group_above
from provision.journals import orphan, problems

LIMIT_BYTES = 64 << 20
HOLD = """
import sys, time
from pathlib import Path
from loadstone.provision.journal import Journal
from loadstone.provision.memory_group import memory_group
from loadstone.targets.local import LocalTarget
results = Path(sys.argv[1])
target = LocalTarget(results)
with Journal(results) as journal, memory_group(target, journal, 64 << 20) as group:
    if len(sys.argv) > 2:
        Path(group.directory, "cgroup.procs").write_text(sys.argv[2])
    print(group.directory, flush=True)
    time.sleep(600)
# Its worker is gone, too, when it ends: a group above can then be removed.
target.close()
"""


@pytest.fixture
def target(results: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(results)
    yield target
    target.close()


def limit_of(group: MemoryGroup) -> int:
    name = "memory.max" if group.is_unified else "memory.limit_in_bytes"
    return int(Path(group.directory, name).read_text())


def start(results: Path, *words: str) -> tuple["subprocess.Popen[str]", Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(results), *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@needs_root
def test_a_group_is_made_with_its_limit_and_removed_at_the_end(
    target: LocalTarget, results: Path
) -> None:
    with Journal(results) as journal, memory_group(target, journal, LIMIT_BYTES) as group:
        assert limit_of(group) == LIMIT_BYTES
        assert Path(group.directory).name.startswith("loadstone-pressure-")
        assert all(Path(path).exists() for path in group.samples if "pressure" not in path[-8:])
        # Whoever entered it to try has left.
        assert Path(group.directory, "cgroup.procs").read_text() == ""
    assert not Path(group.directory).exists()
    assert not (results / "journal").exists() or not list((results / "journal").glob("*.json"))


@needs_root
def test_a_killed_process_leaves_a_group_that_clean_removes(results: Path) -> None:
    process, directory = start(results)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert directory.is_dir()
    assert problems(results) == [""]
    assert not directory.exists()


@needs_root
def test_a_group_that_a_process_is_in_stays_until_it_ends(results: Path) -> None:
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        process, directory = start(results, str(sleeper.pid))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        (removal,) = clean(results)
        assert removal.error is not None
        assert "was left: processes are still in it" in removal.error.what
        assert f"end those that {directory}/cgroup.procs lists" in (removal.error.remedy or "")
    finally:
        sleeper.kill()
        sleeper.wait()
    until(lambda: problems(results) == [""], "the group to go")
    assert not directory.exists()


@pytest.mark.parametrize(
    "name", ["/sys/fs/cgroup/memory", "{tmp}/loadstone-x", "{tmp}/other", "loadstone-x"]
)
def test_what_is_no_group_of_ours_is_never_removed(
    results: Path, tmp_path: Path, name: str
) -> None:
    for one in ("loadstone-x", "other"):
        (tmp_path / one).mkdir()
    orphan(Journal(results).entry("control-group", name.format(tmp=tmp_path)))
    (problem,) = problems(results)
    assert "was left: " in problem
    assert all((tmp_path / one).is_dir() for one in ("loadstone-x", "other"))


def test_a_group_is_made_in_a_file_system_of_groups_only(tmp_path: Path) -> None:
    options = {"action": "make", "directory": str(tmp_path / "loadstone-x")}
    error = native.run_job(Job(operation="control-group", options=options)).error
    assert error is not None
    assert error.code == errno.EPERM
    assert not (tmp_path / "loadstone-x").exists()


READ_ONLY = """
for at in $(grep -o " /sys/fs/cgroup[^ ]*" /proc/mounts); do
    mount -o remount,bind,ro "$at"
done
exec "$@"
"""


@needs_root
@pytest.mark.parametrize(
    ("who", "words", "remedy"),
    [
        ("a user", "Permission denied (EACCES)", "run as root"),
        ("root of a user namespace", "Permission denied (EACCES)", "run as root"),
        ("root, read-only", "Read-only file system (EROFS)", "mount the control groups writable"),
    ],
)
def test_where_no_group_can_be_made_that_is_told_with_a_remedy(
    place: Path, as_nobody: tuple[str, ...], who: str, words: str, remedy: str
) -> None:
    before = {
        "a user": as_nobody,
        "root of a user namespace": (*as_nobody, "unshare", "--user", "--map-root-user"),
        "root, read-only": ("unshare", "--mount", "sh", "-c", READ_ONLY, "sh"),
    }
    done = subprocess.run(
        [*before[who], sys.executable, "-c", HOLD, str(place / "results")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=place,
    )
    assert "CannotMeasureError: make control group /sys/fs/cgroup" in done.stderr
    assert f"{words}; " in done.stderr
    assert remedy in done.stderr
    assert not list(place.rglob("*.json"))


class SmallFiles:
    """A Target that has these files, and carries out nothing."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def read_text(self, path: str) -> str | None:
        return self._files.get(path)

    def read_texts(self, paths: Sequence[str]) -> dict[str, str]:
        return {path: self._files[path] for path in paths if path in self._files}

    def execute(self, job: Job) -> Any:
        return native.run_job(job)


V2 = "31 23 0:27 / /nowhere/cgroup rw - cgroup2 cgroup2 rw\n"


@pytest.mark.parametrize(
    ("files", "words", "remedy"),
    [
        ({}, "no control groups with a memory controller are mounted here", "mount them"),
        (
            {"/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": V2},
            "no control group from /nowhere/cgroup/a/b up to /nowhere/cgroup hands the memory "
            "controller on (cgroup.subtree_control)",
            "as root: echo +memory > /nowhere/cgroup/cgroup.subtree_control",
        ),
        (
            {
                "/proc/self/cgroup": "0::/a/b\n",
                "/proc/self/mountinfo": V2,
                "/nowhere/cgroup/a/cgroup.subtree_control": "cpu memory\n",
            },
            "make control group /nowhere/cgroup/a/loadstone-pressure-",
            "see dmesg",
        ),
    ],
)
def test_of_version_2_a_group_lies_where_the_controller_is_handed_on(
    results: Path, files: Mapping[str, str], words: str, remedy: str
) -> None:
    seen = cast(Target, SmallFiles(files))
    with (
        Journal(results) as journal,
        pytest.raises(CannotMeasureError) as caught,
        memory_group(seen, journal, LIMIT_BYTES),
    ):
        pass
    assert caught.value.what.startswith(words)
    assert remedy in (caught.value.remedy or "")
    assert not list((results / "journal").glob("*.json"))


@needs_root
def test_a_limit_above_stays_above(results: Path) -> None:
    """Version 1 makes the group below this process's own; version 2 may have it beside."""
    with group_above(LIMIT_BYTES) as above:
        found = made_inside(above, results)
        if "limit_in_bytes" in above.limit_file.name:
            assert found.is_relative_to(above.directory)
    assert not found.exists()


def made_inside(above: Above, results: Path) -> Path:
    code = HOLD.replace("time.sleep(600)", "pass")
    words = [*above.inside, sys.executable, "-c", code, str(results)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())
