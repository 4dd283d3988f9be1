"""A file is written whole or not at all, and what stood in the way is told."""

import errno
from pathlib import Path

import pytest

from commands import needs_root
from devices import loop, mounted
from loadstone.durable import (
    UNDECODABLE,
    cannot_write,
    decode,
    encode,
    write_atomically,
    write_named,
)
from loadstone.errors import RunError, UsageError
from loadstone.model import Case, Input, Plan


def test_a_file_is_made_with_its_directories_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    for data in (b"one", b"two"):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert [path] == list(path.parent.iterdir())


def test_a_directory_in_its_place_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(
        RunError, match=r"cannot write .*/a: Is a directory \(EISDIR\); name another"
    ):
        write_atomically(tmp_path / "a", b"")
    assert [tmp_path / "a"] == list(tmp_path.iterdir())


@pytest.mark.root
@needs_root
def test_a_full_disk_leaves_the_old_file_and_no_part_of_the_new(place: Path) -> None:
    with (
        loop(place / "image", size_bytes=4 << 20) as device,
        mounted(device, place / "small") as at,
    ):
        write_atomically(at / "file", b"old")
        with pytest.raises(
            RunError, match=r"No space left on device \(ENOSPC\); free space or name"
        ):
            write_atomically(at / "file", bytes(8 << 20))
        assert (at / "file").read_bytes() == b"old"
        assert not list(at.glob("*.tmp"))


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.EROFS, "name a writable directory with --results"),
        (errno.EACCES, "name a directory that you may write with --results"),
        (errno.ELOOP, "replace the symbolic link by what it points to"),
        (errno.EIO, "name another directory with --results"),
    ],
)
def test_each_reason_has_its_own_remedy(code: int, remedy: str) -> None:
    assert cannot_write(Path("r"), OSError(code, "")).remedy == remedy


def test_what_is_written_is_read_again() -> None:
    noun = Input(file="/m", devices=("/dev/a",))
    assert decode(encode(noun, Path("f")), Input) == noun


@pytest.mark.parametrize("noun", [Input(file="\udcff"), Case.of("w", "", {"size": 1 << 64})])
def test_what_could_not_be_read_again_is_not_written(noun: Input | Case) -> None:
    with pytest.raises(
        RunError, match=r"cannot keep a \w+ in f: .*; use names in UTF-8 and numbers"
    ):
        encode(noun, Path("f"))


@pytest.mark.parametrize("data", [b"", b"{", b'{"sped": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_noun_raises_what_callers_catch(data: bytes) -> None:
    with pytest.raises(UNDECODABLE):
        decode(data, Plan)


def test_a_file_that_a_user_names_replaces_only_its_like(tmp_path: Path) -> None:
    page, notes = tmp_path / "page.html", tmp_path / "notes.txt"
    notes.write_text("mine")
    for data in (b"one", b"two"):
        write_named(page, data, "report", (".html", ".htm"))
        assert page.read_bytes() == data
    with pytest.raises(UsageError, match=r"notes\.txt exists and is no report; .* ends in \.html"):
        write_named(notes, b"", "report", (".html", ".htm"))
    assert notes.read_text() == "mine"


def test_a_link_that_a_user_names_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to("real.html")
    write_named(tmp_path / "link.html", b"new", "report", (".html",))
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_bytes() == b"new"


def test_a_directory_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"cannot write the report .*Not a directory .*; name another"
    ):
        write_named(tmp_path / "none" / "r.html", b"", "report", (".html",))
    assert not list(tmp_path.iterdir())
