"""Which mount holds a path, and what it tells of the file system there."""

from environment.small_files import MOUNTINFO
from loadstone.environment.mounts import find_mount, mount_facts, parse_mountinfo


def test_the_deepest_and_then_the_latest_mount_holds_a_path() -> None:
    mounts = parse_mountinfo(MOUNTINFO)
    assert [mount.fs_type for mount in mounts] == ["ext4", "btrfs", "tmpfs", "xfs"]
    for path, fs_type in (
        ("/data/model.gguf", "xfs"),
        ("/database", "ext4"),
        ("/with space/x", "tmpfs"),
        ("/", "ext4"),
    ):
        found = find_mount(mounts, path)
        assert found is not None
        assert found.fs_type == fs_type


def test_the_facts_are_those_of_the_mount_that_holds_a_path() -> None:
    mounts = parse_mountinfo(MOUNTINFO)
    found = find_mount(mounts, "/with space/x")
    assert found is not None
    assert mount_facts(found) == {
        "fs.type": "tmpfs",
        "fs.options": "rw;rw,size=1024k",
        "fs.source": "tmpfs",
        "fs.mount_point": "/with space",
    }
    assert find_mount([], "/x") is None
