"""What is known of where a file's bytes lie, and what is not."""

import pytest

from loadstone.core import native
from loadstone.core.file_extents import FileExtents, read_extents
from loadstone.model import Job, Outcome

pytestmark = pytest.mark.native


def test_where_the_file_system_tells_nothing_all_of_it_is_unknown() -> None:
    """As sysfs, whose files are on no device; 0 would be a claim."""
    extents = read_extents(native.run_job, "/sys/devices/system/cpu/online")
    assert extents.plain_bytes is extents.hole_bytes is extents.unwritten_bytes is None
    assert read_extents(native.run_job, "/absent/file").extents is None


def answered(**values: int) -> FileExtents:
    known = {"btrfs": -25, "attributes": 0, "fiemap": 0}

    def execute(job: Job) -> Outcome:
        assert job.operation == "extents"
        return Outcome(values={**known, **values})

    return read_extents(execute, "/model")


def test_a_map_that_was_refused_counts_nothing() -> None:
    """-EOPNOTSUPP: the values of a map are not there, and none of them is 0."""
    assert answered(fiemap=-95) == FileExtents()
    assert answered(plain_bytes=7, hole_bytes=0).plain_bytes == 7


def test_what_statx_tells_is_kept() -> None:
    """As by EROFS of a compressed file, and by a file system in persistent memory."""
    assert answered(attributes=0x4, fiemap=-95).is_compressed
    assert answered(attributes=0x200000).is_dax


def test_the_id_of_a_btrfs_is_as_sysfs_has_it() -> None:
    halves = {"btrfs_id_high": -0x0102030405060708, "btrfs_id_low": 0x1112131415161718}
    found = answered(btrfs=0, btrfs_devices=3, **halves).btrfs
    assert found == ("fefdfcfb-faf9-f8f8-1112-131415161718", 3)
