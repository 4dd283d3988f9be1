"""What a control group leaves of a machine's memory, in both versions, nested and in containers."""

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest

from commands import needs_root
from environment.small_files import texts_of
from loadstone.environment.control_group import OWN_GROUPS
from loadstone.environment.machine import machine_facts
from loadstone.environment.memory_cgroup import memory_cgroup_facts, memory_room
from loadstone.model import Fact
from memory_groups import memory_group

MIB = 1 << 20
UNLIMITED = "9223372036854771712\n"
V2_MOUNT = "31 23 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - cgroup2 cgroup2 rw\n"
V1_MOUNT = "36 31 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
CPU_MOUNT = "35 31 0:30 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"


def facts_of(own: str, mountinfo: str, files: Mapping[str, str]) -> Mapping[str, Fact]:
    return memory_cgroup_facts(own, {"/proc/self/mountinfo": mountinfo}.get, texts_of(dict(files)))


def v2(
    place: str, limit: str = "max", high: str = "max", used: int = 0, file: int = 0
) -> dict[str, str]:
    return {
        f"{place}/cgroup.controllers": "cpu memory\n",
        f"{place}/memory.max": f"{limit}\n",
        f"{place}/memory.high": f"{high}\n",
        f"{place}/memory.current": f"{used}\n",
        f"{place}/memory.stat": f"anon 1\nfile {file}\ninactive_file {file}\nactive_file 0\n",
    }


def v1(place: str, limit: str, used: int = 0, hierarchical: str = UNLIMITED) -> dict[str, str]:
    return {
        f"{place}/memory.limit_in_bytes": limit,
        f"{place}/memory.usage_in_bytes": f"{used}\n",
        f"{place}/memory.stat": f"cache 9\nhierarchical_memory_limit {hierarchical.strip()}\n"
        "total_inactive_file 1048576\ntotal_active_file 1048576\n",
    }


def test_of_nested_groups_the_one_that_leaves_least_counts() -> None:
    root = "/sys/fs/cgroup"
    files = {
        f"{root}/cgroup.controllers": "memory\n",
        **v2(f"{root}/a", str(512 * MIB), used=500 * MIB, file=100 * MIB),
        **v2(f"{root}/a/b", str(160 * MIB), used=8 * MIB),
        # A group without the controller: its parent's files are all there is.
        f"{root}/a/b/c/cgroup.controllers": "\n",
    }
    assert facts_of("0::/a/b/c\n", V2_MOUNT, files) == {
        "memory.cgroup": "/a/b/c",
        "memory.cgroup_limit_bytes": 160 * MIB,
        "memory.cgroup_available_bytes": 112 * MIB,
        "memory.cgroup_narrowest_file": f"{root}/a/memory.max",
        "memory.cgroup_narrowest_bytes": 512 * MIB,
    }


def test_above_memory_high_nothing_fits_either() -> None:
    files = v2("/sys/fs/cgroup/a", str(300 * MIB), high=str(100 * MIB), used=4 * MIB)
    facts = facts_of("0::/a\n", V2_MOUNT, files)
    assert facts["memory.cgroup_limit_bytes"] == 300 * MIB
    assert facts["memory.cgroup_high_bytes"] == 100 * MIB
    assert facts["memory.cgroup_available_bytes"] == 96 * MIB
    assert facts["memory.cgroup_narrowest_file"] == "/sys/fs/cgroup/a/memory.high"


def test_a_container_of_version_2_sees_its_own_group_as_the_root() -> None:
    mount = (
        "1543 1542 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec - cgroup2 cgroup rw,nsdelegate\n"
    )
    facts = facts_of("0::/\n", mount, v2("/sys/fs/cgroup", str(160 * MIB)))
    assert facts["memory.cgroup_limit_bytes"] == 160 * MIB


def test_a_container_of_version_1_has_its_path_on_the_host_on_a_mount_of_that_path() -> None:
    mount = "7 6 0:31 /docker/4f /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory\n"
    own = (
        "9:name=systemd:/docker/4f\n4:memory:/docker/4f\n3:cpu,cpuacct:/docker/4f\n0::/docker/4f\n"
    )
    facts = facts_of(own, CPU_MOUNT + mount, v1("/sys/fs/cgroup/memory", f"{160 * MIB}\n"))
    assert facts["memory.cgroup_limit_bytes"] == 160 * MIB
    assert facts["memory.cgroup_narrowest_file"] == "/sys/fs/cgroup/memory/memory.limit_in_bytes"


def test_version_1_counts_up_to_its_root_and_drops_what_is_file() -> None:
    place = "/sys/fs/cgroup/memory"
    files = {
        **v1(place, UNLIMITED),
        **v1(f"{place}/a", f"{160 * MIB}\n", used=50 * MIB),
        **v1(f"{place}/a/b", UNLIMITED, used=10 * MIB),
    }
    facts = facts_of("4:memory:/a/b\n0::/\n", V1_MOUNT + V2_MOUNT, files)
    assert facts["memory.cgroup_limit_bytes"] == 160 * MIB
    assert facts["memory.cgroup_available_bytes"] == 112 * MIB
    assert facts["memory.cgroup_narrowest_file"] == f"{place}/a/memory.limit_in_bytes"


def test_version_1_tells_a_limit_above_what_a_cgroup_namespace_shows() -> None:
    files = v1("/m", UNLIMITED, used=12 * MIB, hierarchical=str(160 * MIB))
    mount = "7 6 0:31 / /m ro,relatime - cgroup cgroup rw,memory\n"
    facts = facts_of("4:memory:/\n", mount, files)
    assert facts["memory.cgroup_limit_bytes"] == 160 * MIB
    assert facts["memory.cgroup_available_bytes"] == 150 * MIB


def test_a_phone_s_groups_are_where_android_mounts_them() -> None:
    mount = "22 20 0:20 / /dev/memcg rw,nosuid,nodev,noexec,relatime - cgroup none rw,memory\n"
    files = {**v1("/dev/memcg", UNLIMITED), **v1("/dev/memcg/apps", f"{64 * MIB}\n")}
    facts = facts_of("3:memory:/apps\n0::/uid_2000/pid_77\n", mount + V2_MOUNT, files)
    assert facts["memory.cgroup_narrowest_file"] == "/dev/memcg/apps/memory.limit_in_bytes"


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/\n", {"/sys/fs/cgroup/cgroup.controllers": "memory\n"}),
        ("0::/a\n", v2("/sys/fs/cgroup/a")),
        ("4:memory:/\n0::/\n", v1("/sys/fs/cgroup/memory", UNLIMITED)),
        ("", {}),
        ("nonsense\n", {}),
    ],
)
def test_without_a_limit_there_are_no_facts(own: str, files: Mapping[str, str]) -> None:
    assert facts_of(own, V1_MOUNT + V2_MOUNT, files) == {}


@pytest.mark.parametrize(
    "mountinfo", ["", V2_MOUNT, "7 6 0:31 /.. /sys/fs/cgroup rw - cgroup2 c rw\n"]
)
def test_a_group_whose_files_are_not_seen_has_an_unknown_limit(mountinfo: str) -> None:
    facts = facts_of("0::/a\n", mountinfo, {})
    assert facts == {"memory.cgroup": "/a", "memory.cgroup_limit_bytes": None}
    room = memory_room({**facts, "memory.available_bytes": MIB})
    assert (room.is_of_cgroup, room.caveat) == (
        False,
        "; whether its control group has a limit cannot be seen",
    )


def test_where_a_group_is_mounted_more_than_once_the_mount_that_shows_most_is_read() -> None:
    below = "40 31 0:27 /a /mnt rw,relatime - cgroup2 cgroup2 rw\n"
    files = {**v2("/mnt"), **v2("/sys/fs/cgroup/a"), **v2("/sys/fs/cgroup", str(MIB))}
    facts = facts_of("0::/a\n", below + V2_MOUNT, files)
    assert facts["memory.cgroup_narrowest_file"] == "/sys/fs/cgroup/memory.max"


def test_what_is_available_is_the_least_of_machine_and_group() -> None:
    files = {"/proc/meminfo": "MemAvailable:  102400 kB\n", OWN_GROUPS: "0::/a\n"}
    for limit, available, words in (
        (160, 100, "the 100 MiB of memory that are available"),
        (64, 60, "this cgroup's 64 MiB of memory, of which 60 MiB are available"),
    ):
        group = v2("/sys/fs/cgroup/a", str(limit * MIB), used=4 * MIB)
        facts = machine_facts({"/proc/self/mountinfo": V2_MOUNT}.get, texts_of({**files, **group}))
        assert facts["memory.available_bytes"] == available * MIB
        assert memory_room(facts).words == words
    assert memory_room(facts).remedy == (
        "raise /sys/fs/cgroup/a/memory.max (docker run --memory, systemd's MemoryMax), or load a "
        "smaller file"
    )


@needs_root
def test_the_kernel_s_own_limit_of_the_group_above_is_found() -> None:
    program = """
import json
from pathlib import Path
from loadstone.environment.machine import machine_facts
from loadstone.targets.local import LocalTarget
target = LocalTarget(Path("/nowhere"))
print(json.dumps(machine_facts(target.read_text, target.read_texts)))
"""
    with memory_group(160 * MIB) as group:
        words = (*group.inside, sys.executable, "-c", program)
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        facts = json.loads(done.stdout)
        assert facts["memory.cgroup_limit_bytes"] == 160 * MIB
        assert facts["memory.cgroup_narrowest_file"] == str(group.limit_file)
        assert 0 < facts["memory.available_bytes"] <= 160 * MIB
