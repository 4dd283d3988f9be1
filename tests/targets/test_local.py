"""This machine as a Target, where it has what is asked for and where it has not."""

import os
from pathlib import Path

import pytest

from commands import needs_root
from loadstone.errors import InterruptedRunError, RunError, TargetError, UsageError
from loadstone.model import Job
from loadstone.targets import connect
from loadstone.targets.local import LocalTarget

CALIBRATE = Job(operation="calibrate", options={"effect": "syscall", "count": "2", "batches": "1"})


def test_an_address_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="local takes no address; write --target local"),
        connect("local:here", tmp_path),
    ):
        pass


def test_a_command_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    target = LocalTarget(tmp_path)
    assert target.run_command("echo", "a b") == "a b\n"
    with pytest.raises(
        TargetError, match=r"ls /no-such: .*No such file.*\(exit 2\); run it by hand"
    ):
        target.run_command("ls", "/no-such")
    with pytest.raises(
        TargetError, match=r"no-such x: No such file or directory \(ENOENT\); install"
    ):
        target.run_command("no-such", "x")


def test_small_files_are_read_where_they_can_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"caf\xe9\n")
    target = LocalTarget(tmp_path)
    paths = [str(tmp_path / name) for name in "ab"]
    assert target.read_texts(paths) == {paths[0]: "caf\N{REPLACEMENT CHARACTER}\n"}
    assert target.read_text(paths[1]) is None


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"write .*: Is a directory \(EISDIR\)"):
        LocalTarget(tmp_path).write_text(str(tmp_path), "x")


def test_a_file_that_is_gone_is_removed_and_one_that_stays_is_told(tmp_path: Path) -> None:
    target = LocalTarget(tmp_path)
    (tmp_path / "a").touch()
    for _ in range(2):
        target.remove_file(str(tmp_path / "a"))
    assert not list(tmp_path.iterdir())
    with pytest.raises(TargetError, match=r"remove .*: Is a directory \(EISDIR\); remove it by"):
        target.remove_file(str(tmp_path))


@needs_root
def test_a_scratch_directory_that_cannot_be_made_is_told(place: Path) -> None:
    (place / "scratch").write_text("in its place")
    with pytest.raises(RunError, match=r"cannot write .*scratch: File exists \(EEXIST\)"):
        LocalTarget(place).scratch()


def test_a_job_that_is_interrupted_before_it_begins_does_not_run(tmp_path: Path) -> None:
    target = LocalTarget(tmp_path)
    target.interrupt()
    try:
        with pytest.raises(InterruptedRunError, match="calibrate was cancelled"):
            target.execute(CALIBRATE)
        assert target.execute(CALIBRATE).values["count"] == 2
    finally:
        target.close()


def test_a_worker_that_was_killed_is_an_outcome_and_the_next_job_has_another(
    tmp_path: Path,
) -> None:
    target = LocalTarget(tmp_path)
    try:
        process = target._running_worker()
        os.kill(process.pid, 9)
        process.wait()
        # One that is known to be dead is replaced before the Job is sent.
        assert target.execute(CALIBRATE).crash is None
    finally:
        target.close()
