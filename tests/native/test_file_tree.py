"""Operation file-tree: what is copied of a directory, what of the copy is read, what is told."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from commands import MIB, needs_root
from native.programs import Program

pytestmark = pytest.mark.native

_ODD = os.fsdecode(b"no-utf-8-\xff")


@pytest.fixture
def source(place: Path) -> Path:
    """All kinds of entries: what is larger than a block, empty, sparse, linked, and no file."""
    source = place / "source"
    (source / "below" / "deep").mkdir(parents=True)
    (source / "empty").touch()
    (source / _ODD).write_bytes(b"odd")
    (source / "below" / "large").write_bytes(os.urandom(2 * MIB + 5))
    os.link(source / "below" / "large", source / "another name")
    os.link(source / _ODD, source / "below" / "odd")
    (source / "loop").symlink_to("loop")
    (source / "below" / "deep" / "away").symlink_to("/nowhere/" + "long" * 50)
    os.mkfifo(source / "fifo")
    with (source / "below" / "holes").open("wb") as stream:
        stream.seek(3 * MIB)
        stream.write(b"data")
        stream.truncate(8 * MIB)
    (source / "below" / "program").write_bytes(b"#!")
    (source / "below" / "program").chmod(0o755)
    return source


def names(tree: Path) -> list[str]:
    """All below a directory."""
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))


def test_a_copy_holds_what_its_source_holds(checked: Program, place: Path, source: Path) -> None:
    copy = place / "loadstone-copy"
    answer = checked.run("file-tree", source=source, copy=copy)
    assert answer.failure is None
    assert names(copy) == [name for name in names(source) if name != "fifo"]
    for path in copy.rglob("*"):
        original = source / path.relative_to(copy)
        if path.is_symlink():
            assert path.readlink() == original.readlink()
        elif path.is_file():
            assert path.read_bytes() == original.read_bytes()
            assert (path.stat().st_mode & 0o100) == (original.stat().st_mode & 0o100)
    assert (copy / "another name").samefile(copy / "below" / "large")
    assert (copy / "below" / "odd").samefile(copy / _ODD)
    assert (copy / "below" / "holes").stat().st_blocks * 512 < MIB
    expected = {
        "files": 5,
        "directories": 2,
        "symbolic_links": 2,
        "hard_links": 2,
        "left_out": 1,
        "bytes": 2 * MIB + 5 + 3 + 8 * MIB + 2,
    }
    assert {name: answer.values[name] for name in expected} == expected
    assert answer.values["used_bytes"] >= 0
    assert (answer.spans, answer.histograms) == (2, 1)


def test_a_copy_is_read_as_a_whole(checked: Program, place: Path, source: Path) -> None:
    copy = place / "loadstone-copy"
    assert checked.run("file-tree", source=source, copy=copy).failure is None
    trace = place / "trace"
    traced = checked.under(
        *("strace", "-f", "-y", "-o", str(trace), "-e", "trace=pread64,readlinkat"),
        finds_leaks=False,
    )
    answer = traced.run("file-tree", source=source, copy=copy, phase="read")
    assert answer.failure is None
    assert "used_bytes" not in answer.values
    assert (answer.spans, answer.histograms) == (1, 1)
    calls = trace.read_text()
    # Files of 3, 8, 1 and 1 blocks, in the region and again to compare them.
    assert len(re.findall(r"pread64\(\d+<[^>]*/loadstone-copy/", calls)) == 2 * (3 + 8 + 1 + 1)
    assert len(re.findall(r"pread64\(\d+<[^>]*/source/", calls)) == 3 + 8 + 1 + 1
    assert len(re.findall(r'readlinkat\(\d+<[^>]*/loadstone-copy>, "loop"', calls)) == 1


def test_a_difference_is_found_with_its_place(checked: Program, place: Path, source: Path) -> None:
    copy = place / "loadstone-copy"
    assert checked.run("file-tree", source=source, copy=copy).failure is None
    with (copy / "below" / "large").open("r+b") as stream:
        stream.seek(MIB + 7)
        byte = stream.read(1)[0]
        stream.seek(MIB + 7)
        stream.write(bytes([byte ^ 1]))
    # Of two names the first by order is a file, the other is another name of it.
    failure = checked.run("file-tree", source=source, copy=copy, phase="read").failure
    assert failure == ("EBADMSG", "verify", str(copy / "another name"), MIB)
    (copy / "below" / "program").write_bytes(b"#")
    (copy / "another name").write_bytes((source / "another name").read_bytes())
    failure = checked.run("file-tree", source=source, copy=copy, phase="read").failure
    assert failure == ("ENODATA", "read", str(copy / "below" / "program"), 0)


def test_only_what_is_ours_and_not_there_is_made(
    checked: Program, place: Path, source: Path
) -> None:
    failure = checked.run("file-tree", source=source, copy=place / "theirs").failure
    assert failure == ("EPERM", "name", str(place / "theirs"), -1)
    copy = place / "loadstone-copy"
    copy.mkdir()
    failure = checked.run("file-tree", source=source, copy=copy).failure
    assert failure == ("EEXIST", "copy", str(copy), -1)
    assert not names(copy)
    for absent, phase, step in (("no", "copy", "list"), ("source", "read", "open")):
        failure = checked.run(
            "file-tree", source=place / absent, copy=place / "loadstone-no", phase=phase
        ).failure
        assert failure is not None
        assert (failure.code, failure.step) == ("ENOENT", step)


def test_an_empty_directory_is_copied(checked: Program, place: Path) -> None:
    (place / "nothing").mkdir()
    answer = checked.run("file-tree", source=place / "nothing", copy=place / "loadstone-copy")
    assert answer.failure is None
    assert answer.values["files"] == answer.values["bytes"] == 0


@needs_root
@pytest.mark.root
def test_a_full_file_system_is_told_with_the_file(
    checked: Program, place: Path, source: Path
) -> None:
    small = place / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=True)
    try:
        copy = small / "loadstone-copy"
        failure = checked.run("file-tree", source=source, copy=copy).failure
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert failure is not None
    assert (failure.code, failure.step) == ("ENOSPC", "copy")
    assert failure.path == str(copy / "another name")
