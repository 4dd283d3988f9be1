"""The lock of a journal: held as long as its process lives, its file gone when none needs it."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from loadstone.errors import RunError
from loadstone.provision.journal import Journal
from loadstone.provision.journal_files import remove_unused_locks
from loadstone.provision.journal_lock import JournalLock, find_lock_state, take_lock
from loadstone.provision.leftovers import clean
from provision.journals import orphan


def test_a_lock_is_held_until_it_is_closed_and_its_file_stays_until_it_is_removed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.lock"
    lock = JournalLock.create(path)
    assert lock is not None
    assert find_lock_state(path).is_held
    assert take_lock(path) is None
    lock.close()
    state = find_lock_state(path)
    assert (state.is_held, state.device, state.inode) == (False, lock.device, lock.inode)
    fd = take_lock(path)
    assert fd is not None
    assert find_lock_state(path).is_held
    os.close(fd)
    lock.remove()
    assert find_lock_state(path).problem == f"{path}: No such file or directory (ENOENT)"


def test_a_lock_whose_file_is_a_link_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "a.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="ELOOP"):
        JournalLock.create(tmp_path / "a.lock")
    assert not (tmp_path / "elsewhere").exists()


def test_unused_locks_are_removed_and_those_held_or_named_are_not(results: Path) -> None:
    directory = results / "journal"
    with Journal(results) as journal:
        entry = journal.entry("file", "/loadstone-a")
        entry.remove()
        named = Journal(results).entry("file", "/loadstone-b")
        (directory / "left.lock").touch()
        remove_unused_locks(results)
        assert {path.suffix for path in directory.iterdir()} == {".json", ".lock"}
        assert not (directory / "left.lock").exists()
        assert Path(entry.record.lock).exists()
        assert Path(named.record.lock).exists()


def test_whoever_tidies_up_while_locks_are_made_takes_none_from_its_maker(results: Path) -> None:
    end = threading.Event()

    def tidy() -> None:
        while not end.is_set():
            remove_unused_locks(results)

    thread = threading.Thread(target=tidy)
    thread.start()
    try:
        for number in range(100):
            path = results / "journal" / f"{number}.lock"
            lock = JournalLock.create(path)
            assert lock is not None
            assert path.stat().st_ino == lock.inode
            assert find_lock_state(path).is_held
            lock.remove()
    finally:
        end.set()
        thread.join()


def test_two_do_not_clean_at_the_same_time(results: Path, tmp_path: Path) -> None:
    file = tmp_path / "loadstone-a"
    file.touch()
    orphan(Journal(results).entry("file", str(file)))
    fd = os.open(results / "journal", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        with pytest.raises(RunError, match=r"another loadstone clean is at work in .*; wait until"):
            clean(results)
        assert file.exists()
    finally:
        os.close(fd)
    assert [removal.problem for removal in clean(results)] == [None]


def test_what_another_is_taking_down_on_shared_storage_is_left_to_it(
    results: Path, tmp_path: Path
) -> None:
    """There the lock of the directory is not seen, but that of the dead process is."""
    file = tmp_path / "loadstone-a"
    file.touch()
    journal = Journal(results)
    entry = journal.entry("file", str(file))
    orphan(entry, lock=entry.record.lock)
    assert clean(results) == []
    assert file.exists()
