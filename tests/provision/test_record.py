"""The record of one thing that was set up, and the process that it names."""

import os
import signal
from pathlib import Path

import pytest

from loadstone.provision.journal import Journal
from loadstone.provision.record import process_start
from provision.journals import running


def test_an_entry_is_removed_once_its_thing_is_gone(results: Path) -> None:
    journal = Journal(results)
    entry = journal.entry("file", "/loadstone-a")
    assert entry.path.is_file()
    entry.remove()
    entry.remove()
    assert journal.take_down() == []


def test_a_living_process_has_a_start_and_one_that_waits_to_be_reaped_has_none(
    results: Path, tmp_path: Path
) -> None:
    process = running(results, tmp_path / "loadstone-a")
    start = process_start(process.pid)
    assert process_start(os.getpid()) <= start
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert process_start(process.pid) == -1
    process.wait()
    with pytest.raises(FileNotFoundError):
        process_start(process.pid)
