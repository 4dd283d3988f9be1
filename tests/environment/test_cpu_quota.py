"""Limits of CPU time: of containers as they show themselves inside, and of a real control group."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from commands import needs_root
from loadstone.environment.cpu_quota import CpuQuota, quota_facts, read_cpu_quota

POINT = "/sys/fs/cgroup"
DOCKER = "/docker/4f1c9d0a7b6e"
V2 = f"30 23 0:26 {{}} {POINT} rw,nosuid - cgroup2 cgroup rw,nsdelegate\n"
V1 = (
    f"33 32 0:29 {{0}} {POINT}/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    f"34 32 0:30 {{0}} {POINT}/cpuset rw - cgroup cgroup rw,cpuset\n"
    f"36 32 0:31 {{0}} {POINT}/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
    f"39 32 0:33 {{0}} {POINT}/memory rw - cgroup cgroup rw,memory\n"
)
V1_GROUPS = (
    f"11:cpuset:{DOCKER}\n4:cpu,cpuacct:{DOCKER}\n2:memory:{DOCKER}\n1:name=systemd:{DOCKER}\n"
)
CPU = f"{POINT}/cpu,cpuacct"


def cfs(directory: str, quota: int, period: int = 100_000) -> dict[str, str]:
    return {
        f"{directory}/cpu.cfs_quota_us": f"{quota}\n",
        f"{directory}/cpu.cfs_period_us": f"{period}\n",
    }


def reads(texts: dict[str, str]) -> CpuQuota | None:
    return read_cpu_quota(lambda paths: {path: texts[path] for path in paths if path in texts})


@pytest.mark.parametrize(
    ("groups", "mounts", "files", "expected"),
    [
        pytest.param("", "", {}, None, id="neither cgroups nor mounts"),
        pytest.param("0::/\n", V2.format("/"), {}, None, id="v2: the root, which has no limit"),
        pytest.param(
            "0::/\n",
            V2.format("/"),
            {f"{POINT}/cpu.max": "50000 100000\n"},
            (0.5, POINT),
            id="v2: a container in a namespace of its own",
        ),
        pytest.param(
            f"0::{DOCKER}\n",
            V2.format(DOCKER),
            {f"{POINT}/cpu.max": "150000 100000\n"},
            (1.5, POINT),
            id="v2: a container in its host's namespace",
        ),
        pytest.param(
            "0::/user.slice/user-0.slice/run-1.scope\n",
            V2.format("/"),
            {
                f"{POINT}/user.slice/user-0.slice/run-1.scope/cpu.max": "max 100000\n",
                f"{POINT}/user.slice/user-0.slice/cpu.max": "20000 100000\n",
                f"{POINT}/user.slice/cpu.max": "300000 100000\n",
            },
            (0.2, f"{POINT}/user.slice/user-0.slice"),
            id="v2: the least of a unit and those above it",
        ),
        pytest.param(
            "0::/../../other\n",
            V2.format("/../.."),
            {f"{POINT}/cpu.max": "max 100000\n"},
            None,
            id="v2: a group outside of the namespace",
        ),
        pytest.param(
            V1_GROUPS, V1.format(DOCKER), cfs(CPU, 25_000), (0.25, CPU), id="v1: a container"
        ),
        pytest.param(
            V1_GROUPS,
            V1.format("/"),
            cfs(CPU, -1) | cfs(f"{CPU}/docker", 400_000) | cfs(f"{CPU}{DOCKER}", 100_000, 50_000),
            (2.0, f"{CPU}{DOCKER}"),
            id="v1: a container seen from its host",
        ),
        pytest.param(V1_GROUPS, V1.format(DOCKER), cfs(CPU, -1), None, id="v1: no limit"),
        pytest.param(
            f"{V1_GROUPS}0::/\n",
            V1.format(DOCKER) + V2.replace(POINT, f"{POINT}/unified").format("/"),
            cfs(CPU, 50_000),
            (0.5, CPU),
            id="both versions, of which the first has the CPUs",
        ),
        pytest.param(
            "0::/\n", V2.format("/"), {f"{POINT}/cpu.max": "50000 0\n"}, None, id="no period"
        ),
    ],
)
def test_the_least_limit_of_a_group_and_its_parents_is_found(
    groups: str, mounts: str, files: dict[str, str], expected: tuple[float, str] | None
) -> None:
    found = reads({"/proc/self/cgroup": groups, "/proc/self/mountinfo": mounts, **files})
    assert (found and (found.cpus, found.directory)) == expected


def test_facts_are_there_without_a_limit_too() -> None:
    assert quota_facts(lambda _: {}) == {"cpu.quota": None, "cpu.quota_directory": None}


@pytest.fixture
def group() -> Iterator[Path]:
    """A real control group of a quarter of a CPU, by the version that the machine has."""
    first, second = Path(POINT, "cpu"), Path(POINT)
    of_second = second / "cgroup.subtree_control"
    if (first / "cpu.cfs_quota_us").exists() or (first / "cgroup.procs").exists():
        own, limit, text = first / f"loadstone-test-{os.getpid()}", "cpu.cfs_quota_us", "25000"
    elif of_second.exists() and "cpu" in of_second.read_text().split():
        own, limit, text = second / f"loadstone-test-{os.getpid()}", "cpu.max", "25000 100000"
    else:
        pytest.skip("no control group of CPUs can be made here: mount cgroup or cgroup2")
    own.mkdir()
    try:
        (own / limit).write_text(text)
        yield own
    finally:
        own.rmdir()


_PRINT = """
from pathlib import Path
from loadstone.environment.cpu_quota import read_cpu_quota

def read(paths):
    return {path: Path(path).read_text() for path in paths if Path(path).exists()}

print(read_cpu_quota(read).cpus)
"""


@needs_root
def test_the_limit_of_a_real_group_is_found_from_within(group: Path) -> None:
    inside: Sequence[str] = ("sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh")
    done = subprocess.run(
        [*inside, sys.executable, "-c", _PRINT], capture_output=True, text=True, check=False
    )
    assert done.stdout == "0.25\n", done.stderr
