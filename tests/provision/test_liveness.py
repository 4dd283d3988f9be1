"""Whoever is alive, wherever he runs, is not cleaned after; nor is whoever may be."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from commands import needs, needs_root, until
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean, examine, find_leftovers
from loadstone.provision.record import Entry, own_namespaces
from provision.journals import kill, problems, running

CONTAINER = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
NO_LOCKS = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=flock:error=ENOLCK")


@contextlib.contextmanager
def alive(
    results: Path, *names: Path, before: tuple[str, ...] = ()
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has set up files, and is killed at the end."""
    process = running(results, *names, before=before)
    try:
        yield process
    finally:
        kill(process)


def change(entry: Entry, **changes: object) -> None:
    """Write an entry's file anew."""
    record = msgspec.structs.replace(entry.record, **changes)
    entry.path.write_bytes(msgspec.json.encode(record))


def only_entry(results: Path) -> Entry:
    found = examine(results)
    (entry,) = (*found.dead, *found.alive, *(entry for entry, _ in found.unknown))
    return entry


def is_alive(results: Path) -> bool:
    return len(examine(results).alive) == 1


@needs_root
@pytest.mark.parametrize(
    "before",
    [CONTAINER, (*CONTAINER, "--user", "--map-root-user"), CONTAINER[:-1]],
    ids=["container", "user namespace", "foreign /proc"],
)
def test_a_process_of_another_pid_namespace_is_alive_until_it_dies(
    results: Path, tmp_path: Path, before: tuple[str, ...]
) -> None:
    file = tmp_path / "loadstone-a"
    with alive(results, file, before=before):
        assert is_alive(results)
        assert clean(results, force=True) == []
        assert file.exists()
    until(lambda: find_leftovers(results), "the container to end")
    assert problems(results) == [""]
    assert not file.exists()
    assert not list((results / "journal").iterdir())


@needs_root
@pytest.mark.parametrize("before", [CONTAINER, CONTAINER[:-1]], ids=["container", "foreign /proc"])
def test_from_within_a_container_who_is_outside_is_alive(
    results: Path, tmp_path: Path, before: tuple[str, ...]
) -> None:
    file = tmp_path / "loadstone-a"
    command = (*before, sys.executable, "-m", "loadstone.cli", "clean", "--results", str(results))
    with alive(results, file) as process:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        words = f"its process {process.pid} of another PID namespace is alive"
        assert done.stdout == f"left alone file {file}: {words}\n"
        assert file.exists()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == f"removed file {file}\n"


@needs_root
def test_where_time_began_at_another_moment_start_times_prove_nothing(
    results: Path, tmp_path: Path
) -> None:
    before = ("unshare", "--time", "--boottime", "1000000", "--fork", "--kill-child")
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel has no time namespaces: boot one with CONFIG_TIME_NS")
    with alive(results, tmp_path / "loadstone-a", before=before):
        assert is_alive(results)
        change(only_entry(results), lock="")
        assert not find_leftovers(results)
        assert examine(results).unknown


def test_a_process_that_is_stopped_is_alive(results: Path, tmp_path: Path) -> None:
    with alive(results, tmp_path / "loadstone-a") as process:
        process.send_signal(signal.SIGSTOP)
        assert is_alive(results)


def test_a_child_that_outlives_the_process_keeps_nothing_alive(
    results: Path, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    program = f"""
import os, signal, sys
from pathlib import Path
from loadstone.provision.journal import Journal
Journal(Path(sys.argv[1])).entry("file", sys.argv[2])
if os.fork() == 0:
    os.read({reader}, 1)
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    words = [sys.executable, "-c", program, str(results), str(tmp_path / "loadstone-a")]
    try:
        subprocess.run(words, check=False, pass_fds=(reader,))
        change(only_entry(results), namespaces="pid:[1]")
        until(lambda: find_leftovers(results), "the child to have let go")
    finally:
        os.close(writer)
        os.close(reader)


@needs_root
def test_a_run_of_another_user_whose_lock_file_is_closed_to_this_one_is_left(
    results: Path, place: Path, as_nobody: tuple[str, ...]
) -> None:
    file = place / "loadstone-a"
    with alive(results, file, before=CONTAINER):
        entry = only_entry(results)
        lock = Path(entry.record.lock)
        lock.chmod(0o600)
        command = (sys.executable, "-m", "loadstone.cli", "clean", "--results", str(results))
        done = subprocess.run(
            [*as_nobody, *command], check=False, capture_output=True, text=True, cwd=place
        )
        assert done.returncode == 4, done
        assert done.stdout == (
            f"file {file} was left: whether its process {entry.record.pid} of another PID "
            f"namespace, of root, is alive cannot be told from here: {lock}: Permission denied "
            "(EACCES); run loadstone clean where that Run was made (its container, its user); if "
            "it is not alive any more, run loadstone clean --force\n"
        )
        assert file.exists()


@needs_root
def test_a_process_that_proc_hides_from_this_user_is_alive(
    results: Path, place: Path, as_nobody: tuple[str, ...]
) -> None:
    hide = ("unshare", "--mount", "sh", "-c", 'mount -t proc -o hidepid=2 p /proc && exec "$@"')
    command = (sys.executable, "-m", "loadstone.cli", "clean", "--results", str(results))
    file = place / "loadstone-a"
    with alive(results, file) as process:
        change(only_entry(results), lock="")
        words = [*hide, "sh", *as_nobody, *command]
        done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=place)
    assert done.stdout == f"left alone file {file}: its process {process.pid} is alive\n", done


@needs("strace")
def test_without_locks_a_process_of_this_namespace_is_known_by_its_number(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-a"
    with alive(results, file, before=NO_LOCKS) as process:
        entry = only_entry(results)
        assert entry.record.lock == ""
        assert is_alive(results)
        assert [path.suffix for path in (results / "journal").iterdir()] == [".json"]
        os.kill(entry.record.pid, signal.SIGKILL)
        process.wait()
    assert problems(results) == [""]


@needs("strace")
@needs_root
def test_without_locks_a_process_of_another_namespace_is_left_unless_forced(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-a"
    with alive(results, file, before=(*CONTAINER, *NO_LOCKS)):
        (problem,) = problems(results)
        assert f"file {file} was left: whether its process" in problem
        assert "cannot be told from here: its file system has no locks" in problem
        assert problem.endswith("if it is not alive any more, run loadstone clean --force")
        assert file.exists()
    assert problems(results) == [problem]
    assert [removal.problem for removal in clean(results, force=True)] == [None]
    assert not file.exists()


def dead(results: Path, file: Path, **changes: object) -> Entry:
    """What a process that was killed has set up, with some of its Record said otherwise."""
    kill(running(results, file))
    entry = only_entry(results)
    change(entry, **changes)
    return entry


def test_what_belongs_to_another_machine_is_left_unless_forced(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-a"
    dead(results, file, boot="another", host="board-7 0123")
    assert problems(results) == [
        f"file {file} was left: it belongs to a Run on board-7, which is another machine; run "
        "loadstone clean on board-7; if nothing of it is alive there any more, run loadstone clean "
        "--force"
    ]
    assert file.exists()
    assert [removal.problem for removal in clean(results, force=True)] == [None]
    assert not file.exists()


@pytest.mark.parametrize(
    "kind", ["tunable", "mount", "loop", "dm-table", "zram", "swap", "null_blk"]
)
def test_what_is_in_the_kernel_of_another_machine_is_never_looked_for_in_this_one(
    results: Path, tmp_path: Path, kind: str
) -> None:
    name = "/proc/sys/vm/laptop_mode"
    entry = dead(
        results, tmp_path / "loadstone-a", boot="another", host="b x", kind=kind, name=name
    )
    (removal,) = clean(results, force=True)
    assert "another machine; run loadstone clean on b" in (removal.problem or "")
    assert entry.path.exists()


def test_a_lock_that_is_held_on_shared_storage_is_a_living_process(
    results: Path, tmp_path: Path
) -> None:
    with alive(results, tmp_path / "loadstone-a"):
        change(only_entry(results), boot="another", host="b x", pid_start=1)
        assert is_alive(results)
        assert clean(results, force=True) == []


def test_the_record_of_an_earlier_boot_of_this_machine_is_of_a_dead_process(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-a"
    dead(results, file, boot="another", namespaces="pid:[1]", lock_inode=1)
    assert problems(results) == [""]
    assert not file.exists()


OLDER = {"host": "", "namespaces": "", "lock": "", "lock_device": 0, "lock_inode": 0}


def test_an_older_record_of_this_boot_is_alive_where_its_process_is_seen_and_else_unknown(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-a"
    with alive(results, file):
        change(only_entry(results), **OLDER)
        assert is_alive(results)
    (problem,) = problems(results)
    assert "is alive cannot be told from here: an earlier loadstone wrote it" in problem
    assert [removal.problem for removal in clean(results, force=True)] == [None]
    assert not file.exists()


@needs_root
def test_a_copy_of_a_living_process_s_journal_does_not_give_its_things_away(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-a"
    with alive(results, file, before=CONTAINER):
        copy = shutil.copytree(results, tmp_path / "copy")
        (problem,) = problems(copy)
        assert f"this journal is a copy of the one in {results}/journal" in problem
        assert file.exists()


def test_of_a_copied_and_of_a_moved_journal_what_lies_with_it_is_removed(
    results: Path, tmp_path: Path
) -> None:
    (results / "scratch").mkdir()
    dead(results, results / "scratch" / "loadstone-a")
    copy = shutil.copytree(results, tmp_path / "copy")
    moved = results.rename(tmp_path / "moved")
    for place, other in ((copy, moved), (moved, tmp_path)):
        assert [removal.entry.record.name for removal in clean(place)] == [
            str(place / "scratch" / "loadstone-a")
        ]
        assert not (place / "scratch" / "loadstone-a").exists()
        assert other is tmp_path or (other / "scratch" / "loadstone-a").exists()


def test_a_lock_file_that_is_gone_or_no_file_proves_nothing(results: Path, tmp_path: Path) -> None:
    entry = dead(results, tmp_path / "loadstone-a", namespaces="pid:[1]")
    lock = Path(entry.record.lock)
    assert len(find_leftovers(results)) == 1
    lock.unlink()
    assert len(examine(results).unknown) == 1
    lock.symlink_to("/dev/zero")
    assert len(examine(results).unknown) == 1
    lock.unlink()
    os.mkfifo(lock)
    assert len(examine(results).unknown) == 1
    lock.unlink()
    lock.mkdir()
    assert len(examine(results).unknown) == 1


@pytest.mark.parametrize("lock", ["/", "..", "/x/../.lock", "/a\0b.lock", "/x.json", "x" * 5000])
def test_a_lock_s_hostile_name_is_looked_for_beside_the_record_alone(
    results: Path, tmp_path: Path, lock: str
) -> None:
    dead(results, tmp_path / "loadstone-a", namespaces="pid:[1]", lock=lock)
    assert not find_leftovers(results)
    assert len(examine(results).unknown) == 1


def test_the_namespaces_are_those_of_the_process_itself() -> None:
    assert own_namespaces().startswith(f"pid:[{Path('/proc/self/ns/pid').stat().st_ino}]")


def test_a_journal_that_has_ended_leaves_no_lock(results: Path) -> None:
    with Journal(results) as journal, journal.registered("file", str(results / "loadstone-a")):
        assert sorted(path.suffix for path in (results / "journal").iterdir()) == [
            ".json",
            ".lock",
        ]
    assert not list((results / "journal").iterdir())
