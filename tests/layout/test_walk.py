"""Every inode once, and nothing followed or opened."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from commands import needs_root
from loadstone.errors import UsageError
from loadstone.layout.walk import (
    Directory,
    Found,
    HardLink,
    MountPoint,
    RegularFile,
    Special,
    SymbolicLink,
    Unseen,
    walk,
)


def _walk(*paths: Path) -> list[Found]:
    return list(walk([str(path) for path in paths]))


def _of(kind: type, found: Sequence[Found]) -> list[Found]:
    return [one for one in found if type(one) is kind]


def test_every_kind_of_inode_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"four")
    (tmp_path / "other name").hardlink_to(tmp_path / "file")
    (tmp_path / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "fifo")
    inner = tmp_path / "inner"
    inner.mkdir()
    found = _walk(tmp_path)
    (file,) = _of(RegularFile, found)
    assert isinstance(file, RegularFile)
    assert (file.file_bytes, file.is_sparse, file.has_wide_owner) == (4, False, False)
    assert len(_of(HardLink, found)) == 1
    assert _of(SymbolicLink, found) == [SymbolicLink(target_bytes=1, has_wide_owner=False)]
    assert len(_of(Special, found)) == 1
    names = (".", "..", "file", "other name", "loop", "fifo", "inner")
    own = sum(12 + len(name) for name in names)
    assert {one.dirents_bytes for one in found if isinstance(one, Directory)} == {own, 27}


def test_names_of_any_bytes_are_kept(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\n,%"
    Path(os.fsdecode(name)).write_bytes(b"x")
    assert [one.path for one in _walk(tmp_path) if isinstance(one, RegularFile)] == [name]


def test_an_entry_of_a_directory_lies_in_one_block(tmp_path: Path) -> None:
    """15 of them fit with the two of the directory itself, of which 4096 - 27 bytes are left."""
    for number in range(16):
        (tmp_path / f"{number:0>255}").touch()
    (directory,) = _of(Directory, _walk(tmp_path))
    assert isinstance(directory, Directory)
    assert directory.dirents_bytes == 4096 + 267


def test_a_link_that_is_named_is_followed_and_a_file_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    (file,) = _walk(tmp_path / "link")
    assert isinstance(file, RegularFile)


def test_paths_that_are_absent_or_lie_in_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="No such file or directory"):
        _walk(tmp_path / "absent")
    with pytest.raises(UsageError, match="lies in"):
        _walk(tmp_path / "file", tmp_path)
    with pytest.raises(UsageError, match="given twice"):
        _walk(tmp_path, tmp_path)
    with pytest.raises(UsageError, match="neither a file nor a directory"):
        _walk(Path("/dev/null"))


def test_what_vanishes_while_it_is_listed_is_told(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    found = []
    for one in walk([str(tmp_path)]):
        found.append(one)
        if isinstance(one, Directory) and (tmp_path / "inner").exists():
            (tmp_path / "inner").rmdir()
    assert found[-1] == Unseen(path=os.fsencode(tmp_path / "inner"), code=errno.ENOENT)


@needs_root
def test_other_file_systems_are_left_out() -> None:
    found = walk(["/dev"])
    assert any(isinstance(one, MountPoint) for one in found)
