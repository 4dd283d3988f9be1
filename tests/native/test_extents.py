"""Where a file's bytes lie, as its file system tells: what is read of the device, and what not."""

import os
import subprocess
from pathlib import Path

import pytest

from commands import MIB, needs
from native.programs import Answer, Program

pytestmark = pytest.mark.native

_BLOCK = 4096
_BATCH = 1024


def values_of(answer: Answer) -> dict[str, int]:
    assert answer.failure is None
    if answer.values.get("fiemap"):
        pytest.skip("this file system has no FIEMAP: TMPDIR on ext4, XFS or btrfs")
    return dict(answer.values)


@needs("fallocate")
def test_data_a_hole_and_what_was_never_written_are_told_apart(
    checked: Program, place: Path
) -> None:
    file = place / "model"
    with file.open("wb") as stream:
        stream.write(os.urandom(MIB))
        stream.truncate(3 * MIB + 1)
    subprocess.run(["fallocate", "-o", f"{2 * MIB}", "-l", f"{MIB}", file], check=True)
    found = values_of(checked.run("extents", file=file))
    assert found["plain_bytes"] == MIB
    assert found["unwritten_bytes"] == MIB
    assert found["mapped_bytes"] == 2 * MIB
    assert found["hole_bytes"] == MIB + 1
    assert (found["encoded_bytes"], found["unplaced_bytes"]) == (0, 0)


def test_more_extents_are_counted_than_the_kernel_tells_at_once(
    checked: Program, place: Path
) -> None:
    file, count = place / "model", 2 * _BATCH + 7
    with file.open("wb") as stream:
        for number in range(count):
            stream.seek(2 * number * _BLOCK)
            stream.write(os.urandom(_BLOCK))
    found = values_of(checked.run("extents", file=file))
    assert found["plain_bytes"] == found["mapped_bytes"] == count * _BLOCK
    assert found["hole_bytes"] == (count - 1) * _BLOCK
    assert found["extents"] >= count


def test_an_empty_file_and_a_directory_have_none(checked: Program, place: Path) -> None:
    (place / "empty").touch()
    assert checked.run("extents", file=place / "empty").values["mapped_bytes"] == 0
    assert "fiemap" not in checked.run("extents", file=place).values


def test_what_is_no_file_is_refused_and_nobody_is_waited_for(checked: Program, place: Path) -> None:
    os.mkfifo(place / "fifo")
    for path, code in (
        (place / "fifo", "EINVAL"),
        (Path("/dev/zero"), "EINVAL"),
        (place / "absent", "ENOENT"),
    ):
        failure = checked.run("extents", file=path).failure
        assert failure is not None
        assert failure[:3] == (code, "extents", str(path))
