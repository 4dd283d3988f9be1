"""The process that carries out Jobs: one that takes too long is ended, and told so."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from commands import needs_root, until
from devices import loop
from loadstone.core import worker
from loadstone.core.explain import explain
from loadstone.cpu_list import parse_cpu_list
from loadstone.model import NO_ANSWER, CoreError, Job, Outcome, Status
from loadstone.targets.local import LocalTarget


def job(device: str, **changes: object) -> Job:
    options = {"device": device, "threads": "2", "seconds": "600"}
    return Job(operation="dm-flush", options=options, **changes)  # type: ignore[arg-type]


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


@needs_root
def test_a_job_over_its_limit_is_killed_and_told_so(place: Path, nothing_is_left: None) -> None:
    del nothing_is_left
    before = children()
    with loop(place / "image") as device:
        outcome = worker.execute(job(device, timeout_s=0.3))
        # Nobody holds it any more: a device in use could not be taken like this.
        os.close(os.open(device, os.O_RDWR | os.O_EXCL))
    assert outcome.crash == f"{NO_ANSWER} within 0.3 s; killed"
    assert (outcome.error, outcome.values) == (None, {})
    assert children() == before


@needs_root
def test_the_limit_of_a_target_goes_before_that_of_a_job(place: Path) -> None:
    target = LocalTarget(place / "results", limit_s=0.3)
    try:
        with loop(place / "image") as device:
            outcome = target.execute(job(device, timeout_s=600))
            assert outcome.crash == f"{NO_ANSWER} within 0.3 s; killed"
            # The worker lives on, for the next Job.
            claimed = target.execute(Job(operation="claim-device", options={"device": device}))
            assert claimed.error is None
    finally:
        target.close()


@needs_root
def test_a_worker_that_is_closed_takes_its_job_along(place: Path) -> None:
    target = LocalTarget(place / "results")
    before = children()
    with loop(place / "image") as device:
        # As execute does, without waiting for what comes of it.
        process = target._running_worker()
        assert process.stdin is not None
        worker.send(process.stdin, job(device))
        end_s = time.monotonic() + 20
        while not psutil.Process(process.pid).children() and time.monotonic() < end_s:
            time.sleep(0.01)
        assert children() > before
        target.close()
        assert children() == before
        os.close(os.open(device, os.O_RDWR | os.O_EXCL))


@pytest.mark.native
def test_a_job_runs_on_the_cpus_that_it_names_and_the_worker_where_it_did(place: Path) -> None:
    """The Job's own process is asked for the CPUs that it may run on, by a sample."""
    status = "/proc/self/status"
    target = LocalTarget(place / "results")
    calibration = Job(
        operation="calibrate",
        options={"effect": "syscall", "count": "2", "batches": "1"},
        samples=(status,),
    )
    try:
        for cpus in ("0", None):
            outcome = target.execute(msgspec.structs.replace(calibration, cpus=cpus))
            allowed = re.search(
                r"^Cpus_allowed_list:\s*(.*)$", outcome.before[status], re.MULTILINE
            )
            assert allowed is not None
            wanted = {0} if cpus else os.sched_getaffinity(0)
            assert parse_cpu_list(allowed[1]) == wanted
    finally:
        target.close()


@pytest.mark.native
def test_a_job_whose_cpus_are_gone_is_a_failure_that_ends_the_run() -> None:
    outcome = worker.execute(Job(operation="probe", options={}, cpus="8191"))
    assert outcome.error == CoreError(code=errno.EINVAL, step="sched_setaffinity", path="8191")
    found = explain(outcome.error, {}, ())
    assert (found.status, found.ends_run) == (Status.FAILED, True)
    assert (found.reason or "").startswith("none of the CPUs 8191 is available any more")


@pytest.mark.parametrize(
    ("code", "words"),
    [(-9, "killed by SIGKILL (out of"), (-11, "killed by SIGSEGV"), (3, "ended with exit code 3")],
)
def test_a_death_is_told_by_its_cause(code: int, words: str) -> None:
    assert worker.describe_exit(code).startswith(words)


def test_an_interrupted_job_is_told_by_its_signal() -> None:
    """Python's own handler would make an exception of it, and exit code 1."""
    process = subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-m", "loadstone.core.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    options = {"effect": "syscall", "count": "1000000000"}
    with process:
        worker.send(process.stdin, Job(operation="calibrate", options=options))
        until(psutil.Process(process.pid).children, "the Job's process")
        psutil.Process(process.pid).children()[0].send_signal(signal.SIGINT)
        outcome = worker.receive(process.stdout, Outcome)
        process.stdin.close()
    assert outcome is not None
    assert outcome.crash == "killed by SIGINT"


def test_a_child_whose_asker_was_killed_ends_in_silence() -> None:
    """As by Ctrl-C amid a Job: the pipe that its answer goes to has no reader any more."""
    code = (
        "import os; from loadstone.core import worker; from loadstone.model import Job\n"
        "reader, writer = os.pipe(); os.close(reader)\n"
        "worker._run_child(Job(operation='no-such', options={}), writer)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
