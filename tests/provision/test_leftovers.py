"""What a killed process left is found and taken down, wherever it is."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from loadstone.errors import TargetError
from loadstone.provision.journal import Journal
from loadstone.provision.journal_files import UNREADABLE
from loadstone.provision.leftovers import Reach, clean, find_leftovers
from loadstone.provision.removal import HERE, Connection
from provision.journals import Phones, kill, left_on, orphan, problems, running


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(
    results: Path, tmp_path: Path
) -> None:
    dead, alive = tmp_path / "loadstone-dead", tmp_path / "loadstone-alive"
    killed, living = running(results, dead), running(results, alive)
    try:
        assert find_leftovers(results) == []
        kill(killed)
        assert [entry.record.name for entry in find_leftovers(results)] == [str(dead)]
        assert problems(results) == [""]
        assert not dead.exists()
        assert alive.exists()
        assert clean(results) == []
    finally:
        kill(living)
    assert problems(results) == [""]
    assert not alive.exists()
    assert list((results / "journal").iterdir()) == []


def test_a_process_that_waits_to_be_reaped_is_dead(results: Path, tmp_path: Path) -> None:
    process = running(results, tmp_path / "loadstone-a")
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert len(find_leftovers(results)) == 1
    process.wait()


def test_a_reused_pid_another_boot_and_an_impossible_pid_are_dead(results: Path) -> None:
    journal = Journal(results)
    journal.entry("file", "/loadstone-mine")
    start = journal.entry("file", "/x").record.pid_start
    orphan(journal.entry("file", "/loadstone-reused"))
    orphan(journal.entry("file", "/loadstone-boot"), pid_start=start, boot="another")
    orphan(journal.entry("file", "/loadstone-huge"), pid=10**18)
    orphan(journal.entry("file", "/loadstone-negative"), pid=-1)
    orphan(journal.entry("file", "/loadstone-unsaid"), pid_start=start, boot="")
    names = [entry.record.name for entry in find_leftovers(results)]
    assert names == ["/loadstone-" + word for word in ("reused", "boot", "huge", "negative")]


def test_one_failure_neither_stops_the_rest_nor_leaves_the_journal(
    results: Path, removed: list[str]
) -> None:
    journal = Journal(results)
    for name in ("a", "stuck", "b"):
        orphan(journal.entry("probe", name))
    for _ in range(2):
        told = [problem for problem in problems(results) if problem]
        assert len(told) == 1
        assert "probe stuck was left: it is busy" in told[0]
        assert str(find_leftovers(results)[0].path) in told[0]
    assert removed == ["b", "stuck", "a", "stuck"]


def test_order_is_kept_over_many_entries(results: Path, removed: list[str]) -> None:
    journal = Journal(results)
    names = [str(number) for number in range(50)]
    for name in names:
        orphan(journal.entry("probe", name))
    assert problems(results) == [""] * 50
    assert removed == names[::-1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"kind":"file","name":"/loadstone-a"}',
        b'{"kind":"file","name":"/loadstone-a","pid":"1","pid_start":1}',
        b'{"kind":"file","name":"/loadstone-a","pid":' + b"9" * 30 + b',"pid_start":1}',
        b'{"kind":"file","name":"/loadstone-a","pid":1,"pid_start":1,"more":1}',
    ],
)
def test_a_journal_file_that_cannot_be_read_is_reported_and_kept(
    results: Path, data: bytes
) -> None:
    path = results / "journal" / "1-hostile.json"
    path.parent.mkdir()
    path.write_bytes(data)
    assert [entry.record.kind for entry in find_leftovers(results)] == [UNREADABLE]
    (problem,) = problems(results)
    assert f"{path} was left: it is no journal entry" in problem
    assert path.exists()


def test_a_journal_file_that_is_no_file_is_reported_and_kept(results: Path) -> None:
    (results / "journal").mkdir()
    os.mkfifo(results / "journal" / "1.json")
    (results / "journal" / "2.json").symlink_to("/dev/zero")
    (results / "journal" / "3.json").mkdir()
    told = problems(results)
    assert len(told) == 3
    assert all("it is not a small regular file" in problem for problem in told)


def test_no_results_are_nothing_to_clean(tmp_path: Path) -> None:
    assert clean(tmp_path / "none") == []


def test_what_stands_on_another_target_is_removed_there(results: Path, tmp_path: Path) -> None:
    phones = Phones("adb:one", "adb:two")
    for number, target in enumerate(("adb:one", "adb:two", "adb:one")):
        (tmp_path / f"loadstone-{number}").touch()
        left_on(results, target, "file", str(tmp_path / f"loadstone-{number}"))
    left_on(results, "adb:two", "loop", "/far/loadstone-image")
    left_on(results, "adb:two", "dm-table", "loadstone-flush-1-a")
    left_on(results, "adb:two", "tunable", "/proc/sys/vm/none", "1")
    assert [removal.problem for removal in clean(results, phones.reach)] == [None] * 6
    assert not list(tmp_path.glob("loadstone-*"))
    # Newest first, and each Target is reached once.
    assert phones.reached == ["adb:two", "adb:one"]
    asked = [job.operation for job in phones.jobs["adb:two"]]
    assert asked == ["stat", "dm-table", "loop-device", "remove-file"]
    removed = [job.options["file"][-1] for job in phones.jobs["adb:one"]]
    assert removed == ["2", "0"]
    assert clean(results) == []


def test_what_stands_on_a_target_that_is_away_stays_and_stays_written_down(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-here"
    file.touch()
    far = left_on(results, "adb:gone", "file", "/data/loadstone-a")
    orphan(Journal(results).entry("file", str(file)))
    for reach in (Phones().reach, None):
        told = [removal.problem for removal in (clean(results, reach) if reach else clean(results))]
        problem = told[-1] or ""
        assert problem.startswith("file /data/loadstone-a on adb:gone was left: ")
        assert problem.endswith(
            f"; connect adb:gone again and run loadstone clean, or if it never comes back, "
            f"delete {far.path}"
        )
        assert not file.exists()
        assert [entry.path for entry in find_leftovers(results)] == [far.path]


def test_a_target_that_goes_away_meanwhile_keeps_what_was_not_done(results: Path) -> None:
    phones = Phones("adb:one")
    phones.dies_after = 1
    for name in ("a", "b", "c"):
        left_on(results, "adb:one", "file", f"/data/loadstone-{name}")
    told = [removal.problem or "" for removal in clean(results, phones.reach)]
    assert told[0] == ""
    assert all("the connection broke; connect adb:one again" in problem for problem in told[1:])
    assert [entry.record.name[-1] for entry in find_leftovers(results)] == ["a", "b"]


@pytest.mark.parametrize(
    "target",
    [
        "",
        "adb:",
        "adb:-s",
        "adb: x",
        "ADB:x",
        "adb:x\n",
        "adb:\x1b[2J",
        "-o",
        "adb:" + "x" * 300,
        "/",
    ],
)
def test_a_target_that_is_no_name_of_one_is_never_reached(results: Path, target: str) -> None:
    phones = Phones(target)
    entry = left_on(results, target, "file", "/loadstone-a")
    (removal,) = clean(results, phones.reach)
    assert not phones.reached
    assert "its target is the name of none; see to it by hand" in (removal.problem or "")
    assert (removal.problem or "").isprintable()
    assert entry.path.exists()


def test_a_record_of_before_there_were_other_targets_is_of_this_machine(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-a"
    file.touch()
    path = results / "journal" / "1.json"
    path.parent.mkdir()
    path.write_bytes(
        msgspec.json.encode({"kind": "file", "name": str(file), "pid": -1, "pid_start": 1})
    )
    assert problems(results) == [""]
    assert not file.exists()


def test_a_connection_that_breaks_at_its_end_undoes_nothing(results: Path) -> None:
    @contextlib.contextmanager
    def reach(name: str) -> Iterator[Connection]:
        del name
        yield HERE
        raise TargetError("it did not answer to the end")

    nearby: Reach = reach
    left_on(results, "adb:one", "file", "/data/loadstone-a")
    assert [removal.problem for removal in clean(results, nearby)] == [None]
