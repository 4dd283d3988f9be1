"""Files by the core's operations: the same as this machine's own calls have it."""

import errno
import os
import stat
from pathlib import Path

import pytest

from commands import needs_root
from loadstone.core import native
from loadstone.core.remote_files import (
    FileStat,
    list_directories,
    read_text,
    remove_file,
    stat_file,
    write_text,
)
from loadstone.errors import TargetError
from loadstone.model import CoreError, Job, Outcome

LAPTOP_MODE = Path("/proc/sys/vm/laptop_mode")


def seen(path: Path | str) -> FileStat:
    found = stat_file(native.run_job, str(path))
    assert isinstance(found, FileStat)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one line",
        "words\n" * 20_000,
        "x" * 100_000,
        "\N{SNOWMAN}\n" * 30_000,
        "a" * 32766 + "\n",
        "a" * 32767 + "b",
        "a\n" + "b" * 70_000 + "\nc",
    ],
    ids=["empty", "line", "lines", "one-long", "wide", "full", "over", "mixed"],
)
def test_a_text_of_any_length_is_read_whole(tmp_path: Path, text: str) -> None:
    path = tmp_path / "text"
    path.write_text(text)
    assert read_text(native.run_job, str(path)) == text


def test_a_kernel_file_longer_than_a_sample_is_read_whole() -> None:
    path = Path("/proc/kallsyms")
    found = read_text(native.run_job, str(path))
    assert found == path.read_text()
    assert len(found) > 100_000


def test_what_cannot_be_read_is_not_taken_for_empty(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, code in (
        (tmp_path / "none", errno.ENOENT),
        (tmp_path, errno.EISDIR),
        (tmp_path / "fifo", errno.EINVAL),
        (Path("/dev/zero"), errno.EINVAL),
    ):
        found = read_text(native.run_job, str(path))
        assert isinstance(found, CoreError)
        assert (found.code, found.step, found.path) == (code, "read text", str(path))


def test_a_look_follows_links_to_the_real_path(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(bytes(5000))
    link.symlink_to("file")
    found, facts = seen(link), file.stat()
    assert found.real_path == os.path.realpath(file)
    assert found.is_text
    assert (found.type, found.file_bytes, found.readable) == (stat.S_IFREG, 5000, 0)
    assert (found.inode, found.mtime_ns) == (facts.st_ino, facts.st_mtime_ns)
    assert found.device == (os.major(facts.st_dev), os.minor(facts.st_dev))
    assert seen("/dev/null").rdev == (1, 3)


def test_a_real_path_that_is_no_text_is_told(tmp_path: Path) -> None:
    target = os.fsencode(tmp_path) + b"/\xff"
    Path(os.fsdecode(target)).touch()
    (tmp_path / "link").symlink_to(os.fsdecode(b"\xff"))
    (tmp_path / "\N{REPLACEMENT CHARACTER}").touch()
    assert not seen(tmp_path / "link").is_text
    assert seen(tmp_path / "\N{REPLACEMENT CHARACTER}").is_text


def test_a_look_at_nothing_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, code in (("none", errno.ENOENT), ("file/", errno.ENOTDIR)):
        found = stat_file(native.run_job, f"{tmp_path}/{name}")
        assert isinstance(found, CoreError)
        assert found.code == code


@pytest.mark.root
@needs_root
def test_a_tunable_is_written() -> None:
    before = LAPTOP_MODE.read_text()
    try:
        write_text(native.run_job, str(LAPTOP_MODE), str(int(before) + 1))
        assert int(LAPTOP_MODE.read_text()) == int(before) + 1
        with pytest.raises(TargetError, match=r"write text .*laptop_mode: Invalid argument"):
            write_text(native.run_job, str(LAPTOP_MODE), "words")
    finally:
        LAPTOP_MODE.write_text(before)


def test_no_file_of_anybody_else_is_written_or_removed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(TargetError, match="Operation not permitted"):
        write_text(native.run_job, str(tmp_path / "file"), "x")
    with pytest.raises(TargetError, match="Operation not permitted"):
        remove_file(native.run_job, str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "precious"


def test_a_file_of_ours_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "loadstone-a"
    file.touch()
    for _ in range(2):
        remove_file(native.run_job, str(file))
        assert not file.exists()


def test_a_core_that_died_is_no_answer() -> None:
    def dead(job: Job) -> Outcome:
        del job
        return Outcome(crash="killed by SIGKILL", target_lost=True)

    for ask in (stat_file, read_text, remove_file):
        with pytest.raises(TargetError, match="killed by SIGKILL"):
            ask(dead, "/loadstone-a")


def test_directories_are_listed_with_what_their_links_lead_to(place: Path) -> None:
    (place / "a file").touch()
    (place / "link").symlink_to(place / "a file")
    (place / "dangling").symlink_to(place / "nothing")
    (place / "two\nlines").touch()
    real = os.path.realpath(place)
    listed = list_directories(native.run_job, [str(place), str(place / "absent"), "/proc/version"])
    assert listed == {
        str(place): {".": real, "a file": f"{real}/a file", "link": f"{real}/a file"},
    }


def test_a_directory_of_more_than_a_text_holds_is_cut_at_a_line(place: Path) -> None:
    for number in range(400):
        (place / f"{number:04}-{'x' * 150}").touch()
    (listed,) = list_directories(native.run_job, [str(place)]).values()
    names = {path.name for path in place.iterdir()}
    assert 1 < len(listed) < 400
    assert listed.keys() - {"."} < names
