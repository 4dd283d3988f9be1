"""Processes by PID and by name."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.pages.processes import find_processes, list_processes, user_processes
from loadstone.targets.local import LocalTarget

_ODD = "odd ) (name"


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[int]:
    """The PID of a process whose name has blanks and parentheses."""
    program = tmp_path / _ODD
    program.symlink_to(sys.executable)
    with subprocess.Popen(
        [program, "-c", "import sys; print(flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_a_pid_means_that_process(local: LocalTarget, odd: int) -> None:
    (found,) = find_processes(local, [str(odd)])
    assert (found.pid, found.name, found.parent) == (odd, _ODD, os.getpid())
    assert found.has_memory
    assert found.start_ticks > 0


def test_a_name_means_all_that_have_it_and_each_is_found_once(
    local: LocalTarget, odd: int, tmp_path: Path
) -> None:
    for word in (_ODD, str(tmp_path / _ODD)):
        assert [process.pid for process in find_processes(local, [word, str(odd)])] == [odd]


@pytest.mark.usefixtures("odd")
def test_a_name_that_none_has_is_an_error_with_a_near_one(local: LocalTarget) -> None:
    with pytest.raises(UsageError, match=r"did you mean 'odd \) \(name'\?"):
        find_processes(local, ["odd ) (nane"])
    with pytest.raises(UsageError, match="there is no process 999999999"):
        find_processes(local, ["999999999"])


def test_all_are_those_with_memory_without_this_program(local: LocalTarget, odd: int) -> None:
    """Which has started the odd one."""
    found = {process.pid: process for process in user_processes(local)}
    assert not {os.getpid(), odd} & set(found)
    assert all(process.has_memory for process in found.values())
    everything = {process.pid: process for process in list_processes(local)}
    if (kernel := everything.get(2)) and kernel.name == "kthreadd":
        assert not kernel.has_memory
