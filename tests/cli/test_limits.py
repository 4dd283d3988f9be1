"""Limits of a process, each met by every verb: one line with what to raise, and no verdict."""

import errno
import os
import shlex
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.finished_runs import VERBS, finished
from commands import MIB, Command, needs_root
from loadstone.cli._limits import limit_met
from loadstone.errors import RunError
from loadstone.runs.run_files import read_manifest

__all__ = ["finished"]

SETS = {
    "5 open files": "ulimit -n 5;",
    "7 open files": "ulimit -n 7;",
    "40 MB of data": "ulimit -d 40000;",
    "100 MB of data": "ulimit -d 100000;",
    "100 MB of addresses": "ulimit -v 100000;",
    "200 MB of addresses": "ulimit -v 200000;",
    "files of no byte": "ulimit -f 0;",
}
HARD = (
    ("5 open files", "completion"),
    ("5 open files", "doctor"),
    ("7 open files", "run"),
    ("40 MB of data", "show"),
    ("40 MB of data", "run"),
    ("40 MB of data", "compare"),
    ("100 MB of data", "gate"),
    ("100 MB of addresses", "report"),
    ("200 MB of addresses", "compare"),
    ("files of no byte", "export -o"),
    ("files of no byte", "run"),
)
"""Limits, each with a verb that meets it."""


@pytest.mark.parametrize(("limit", "name"), HARD)
def test_a_limit_is_one_line_and_no_verdict(finished: Command, limit: str, name: str) -> None:
    done = finished(*VERBS[name], before=("bash", "-c", f'{SETS[limit]} exec "$@"', "bash"))
    assert done.code in (0, 2, 3), done.err
    assert "Traceback" not in done.err
    if done.code and done.err:
        assert "; " in done.complaint
        assert "(E" in done.complaint


def test_a_manifest_takes_no_more_memory_than_it_has_bytes(finished: Command) -> None:
    manifest = next(finished.results.glob("runs/*/manifest.json"))
    tracemalloc.start()
    try:
        read_manifest(manifest)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


@pytest.fixture
def two_processes() -> Iterator[tuple[str, ...]]:
    """Words that have a command run where there may be two processes and threads in all."""
    roots = [Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")]
    root = next((one for one in roots if (one / "cgroup.procs").exists()), roots[0])
    group = root / f"loadstone-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("needs cgroups that can be made: run as root, outside of a container")
    try:
        try:
            (group / "pids.max").write_text("2")
        except OSError:
            pytest.skip(
                "needs the pids controller: echo +pids > /sys/fs/cgroup/cgroup.subtree_control"
            )
        enter = f'echo $$ > {shlex.quote(str(group))}/cgroup.procs; exec "$@"'
        yield ("bash", "-c", enter, "bash")
    finally:
        group.rmdir()


@needs_root
@pytest.mark.parametrize(("name", "code"), [("run", 3), ("compare", 0)])
def test_too_few_processes_are_told_where_they_are_needed(
    finished: Command, two_processes: tuple[str, ...], name: str, code: int
) -> None:
    done = finished(*VERBS[name], before=two_processes)
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    if code:
        assert "Resource temporarily unavailable (EAGAIN)" in done.complaint
        assert "pids.max" in done.complaint


@pytest.mark.parametrize("name", ["doctor", "run", "show", "clean"])
def test_a_working_directory_that_is_gone_is_said(finished: Command, name: str) -> None:
    gone = shlex.quote(str(finished.place / "gone"))
    before = ("bash", "-c", f'mkdir -p {gone}; cd {gone}; rmdir {gone}; exec "$@"', "bash")
    done = finished(*VERBS[name], before=before)
    assert done.code in (0, 2), done.err
    assert "Traceback" not in done.err
    if done.code:
        assert "the working directory" in done.complaint


def test_an_error_of_ours_by_a_limit_says_what_to_raise() -> None:
    error = RunError("cannot read x: Too many open files (EMFILE)", remedy="name another")
    error.__cause__ = OSError(24, "")
    met = limit_met(error)
    assert met is not None
    assert (met.what, met.exit_code) == (error.what, 3)
    assert met.remedy == "allow more open files (ulimit -n)"


def test_a_lock_that_is_held_is_no_limit() -> None:
    try:
        raise BlockingIOError(errno.EAGAIN, "")
    except BlockingIOError:
        try:
            raise RunError("x is being written by another loadstone", remedy="wait")
        except RunError as held:
            assert limit_met(held) is None


def test_other_errors_are_no_limits() -> None:
    for error in (ValueError("x"), OSError(2, ""), ImportError("no module"), RuntimeError("x")):
        assert limit_met(error) is None
