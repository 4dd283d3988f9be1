"""``loadstone layout`` as a user has it."""

import os
from pathlib import Path

import msgspec
import pytest

from commands import NOBODY, Command, needs_root
from loadstone.layout.survey import LayoutSummary

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.fixture
def tree(place: Path) -> Path:
    """A directory with a file whose name is no UTF-8."""
    tree = place / "tree"
    (tree / "inner").mkdir(parents=True)
    text = b"".join(b"line %d of a text\n" % number for number in range(9000))
    (tree / "text").write_bytes(text)
    Path(os.fsdecode(bytes(tree) + b"/inner/\xff")).write_bytes(b"x" * 5000)
    return tree


def test_a_directory_is_told_in_every_form(loadstone: Command, tree: Path, tmp_path: Path) -> None:
    page = tmp_path / "layout.html"
    told = loadstone("layout", tree, "-o", page, "--algorithm", "lz4,zstd")
    assert (told.code, told.err) == (0, "")
    for words in ("2 files", "f2fs:1MiB", "erofs:4KiB+tail", "fixed-block:page", "inline tail"):
        assert words in told.out
    assert told.out.splitlines()[-1] == str(page)
    assert page.read_text().startswith("<!DOCTYPE html>")
    done = loadstone("layout", tree / "text", tree / "inner", "--json")
    found = msgspec.json.decode(done.out, type=LayoutSummary)
    assert (found.files, found.directories) == (2, 1)
    assert [one.algorithm for one in found.algorithms] == ["lz4"]


@needs_root
def test_what_may_not_be_read_is_counted(
    loadstone: Command, tree: Path, as_nobody: tuple[str, ...]
) -> None:
    (tree / "text").chmod(0o600)
    (tree / "inner").chmod(0o700)
    done = loadstone("layout", tree, before=as_nobody)
    assert done.code == 3, done.err
    assert done.complaint.startswith(f"nothing in {tree} could be read: ")
    assert done.complaint.endswith("Permission denied (EACCES); run as root")
    (tree / "other").write_bytes(b"y" * 5000)
    os.chown(tree / "other", NOBODY, NOBODY)
    found = msgspec.json.decode(
        loadstone("layout", tree, "--json", before=as_nobody).out, type=LayoutSummary
    )
    assert found.files == 1
    assert [(one.reason, one.count) for one in found.unseen] == [("Permission denied (EACCES)", 2)]
    listed = loadstone("layout", tree, "--sizes-only", before=as_nobody)
    assert "left out: 1 × Permission denied (EACCES)" in " ".join(listed.out.split())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("/absent",), "stat /absent: No such file or directory (ENOENT); name a directory"),
        (("/usr/bin", "/usr"), "/usr/bin lies in /usr; leave it out"),
        (("/usr", "--sizes-only", "--algorithm", "lz4"), "--sizes-only compresses nothing; leave"),
        (("/usr", "--algorithm", "zst"), "--algorithm zst: no such algorithm (did you mean 'zstd'"),
    ],
)
def test_what_is_wrong_is_said(loadstone: Command, words: tuple[str, ...], complaint: str) -> None:
    done = loadstone("layout", *words)
    assert done.code == 2
    assert done.complaint.startswith(complaint)
