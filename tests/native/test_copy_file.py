"""Operation copy-file: what is copied is what the source holds, and who may be copied to."""

from pathlib import Path

import pytest

from commands import MIB
from native.programs import Failure, Program

pytestmark = pytest.mark.native

_BYTES = 2 * MIB + 4097


@pytest.fixture
def source(checked: Program, place: Path) -> Path:
    source = place / "text"
    assert checked.run("make-file", file=source, bytes=_BYTES, content="text").failure is None
    return source


def test_the_copy_is_as_the_source_and_the_time_of_reading_that_is_told_apart(
    checked: Program, source: Path, place: Path
) -> None:
    copy = place / "loadstone-copy"
    answer = checked.run("copy-file", source=source, file=copy)
    assert answer.failure is None
    assert copy.read_bytes() == source.read_bytes()
    values = answer.values
    assert values["bytes"] == _BYTES
    assert 0 < values["reading_ns"] < values["elapsed_ns"]
    assert answer.spans == 2
    assert "saved_blocks" not in values


def test_only_a_new_file_of_our_own_name_is_written(
    checked: Program, source: Path, place: Path
) -> None:
    for name, code in (("copy", "EPERM"), ("loadstone-there", "EEXIST")):
        (place / name).write_bytes(b"another's")
        failure = checked.run("copy-file", source=source, file=place / name).failure
        assert failure == Failure(code, "create", str(place / name), -1)
        assert (place / name).read_bytes() == b"another's"


def test_a_source_that_cannot_be_read_is_named(checked: Program, place: Path) -> None:
    (place / "empty").touch()
    for name, code in (("absent", "ENOENT"), ("empty", "ENODATA"), (".", "EISDIR")):
        failure = checked.run("copy-file", source=place / name, file=place / "loadstone-x").failure
        assert failure == Failure(code, "open", str(place / name), -1)
        assert not (place / "loadstone-x").exists()


def test_a_file_system_that_is_no_f2fs_does_not_compress_on_request(
    checked: Program, source: Path, place: Path
) -> None:
    copy = place / "loadstone-copy"
    failure = checked.run("copy-file", source=source, file=copy, compress="f2fs").failure
    assert failure == Failure("ENOTTY", "F2FS_IOC_COMPRESS_FILE", str(copy), -1)
