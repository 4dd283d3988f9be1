"""A guest's process: what it says, how long it may take, and that it is gone at the end."""

import os
import time
from pathlib import Path

import psutil
import pytest

from loadstone.lab.guest import Guest, GuestError


def guest(directory: Path, program: str, script: str = "", limit_s: float = 10) -> Guest:
    """A shell in the place of virtme-run; it is given that one's options behind its own."""
    return Guest(["sh", "-c", program], script, directory, lambda _: None, limit_s)


def test_lines_come_apart_from_the_console(tmp_path: Path) -> None:
    with guest(tmp_path, "echo one; echo boot >&2; echo two") as machine:
        assert list(machine.lines()) == [b"one", b"two"]
        assert machine.console == ("boot",)
        assert machine.exit_status() == 0


def test_a_script_reaches_the_guest_whole(tmp_path: Path) -> None:
    script = "x" * 1_000_000 + "\n"
    with guest(tmp_path, "head -c 1000001 | wc -c", script) as machine:
        assert list(machine.lines()) == [b"1000001"]


def test_a_guest_that_takes_no_script_does_not_hang_the_host(tmp_path: Path) -> None:
    with guest(tmp_path, "exec 0<&-; echo deaf", "x" * 1_000_000) as machine:
        assert list(machine.lines()) == [b"deaf"]


def test_a_long_line_arrives_in_one_piece(tmp_path: Path) -> None:
    with guest(tmp_path, "head -c 300000 /dev/zero | tr '\\0' x; echo") as machine:
        assert [len(line) for line in machine.lines()] == [300_000]


def test_the_console_is_told_to_whoever_listens(tmp_path: Path) -> None:
    heard: list[str] = []
    with Guest(
        ["sh", "-c", "printf 'a\\r\\n\\377\\n' >&2"], "", tmp_path, heard.append, 10
    ) as machine:
        assert not list(machine.lines())
    assert heard == ["a", "\ufffd"]


def test_a_guest_that_does_not_end_in_time_is_an_error(tmp_path: Path) -> None:
    started_s = time.monotonic()
    with (
        guest(tmp_path, "echo up; exec sleep 100", limit_s=0.2) as machine,
        pytest.raises(GuestError, match=r"within 0.2 s"),
    ):
        list(machine.lines())
    assert time.monotonic() - started_s < 50


def test_a_chatty_guest_has_no_more_time_than_a_silent_one(tmp_path: Path) -> None:
    with (
        guest(tmp_path, "while :; do echo on; done", limit_s=0.2) as machine,
        pytest.raises(GuestError, match=r"within 0.2 s"),
    ):
        for _ in machine.lines():
            pass


def test_at_the_end_no_process_of_a_guest_is_left(tmp_path: Path) -> None:
    with guest(tmp_path, "sleep 100 & echo $!; exec sleep 100") as machine:
        child = int(next(iter(machine.lines())))
        assert psutil.pid_exists(child)
    while psutil.pid_exists(child) and psutil.Process(child).status() != "zombie":
        time.sleep(0.01)


def test_programs_of_a_guest_keep_their_temporary_files_in_its_directory(tmp_path: Path) -> None:
    with guest(tmp_path, 'echo "$TMPDIR"') as machine:
        assert list(machine.lines()) == [os.fsencode(tmp_path)]


def test_a_guest_may_be_allowed_more_time(tmp_path: Path) -> None:
    with guest(tmp_path, "echo up; sleep 0.5; echo done", limit_s=0.3) as machine:
        heard = []
        for line in machine.lines():
            machine.set_limit(10)
            heard.append(line)
    assert heard == [b"up", b"done"]
