"""What the core's errors mean in a Trial of dm-flush."""

import errno

import pytest

from loadstone.core.explain import explain
from loadstone.model import CoreError, Finding, Status
from loadstone.workloads import workload

FLUSH = workload("dm-flush")


def found(error: CoreError) -> Finding:
    return explain(error, FLUSH.complete({})[0], FLUSH.rules)


@pytest.mark.parametrize(
    ("code", "step", "status", "words", "remedy"),
    [
        (errno.EIO, "write", Status.FAILED, "the device failed: write /dev/x at 4096", "dmesg"),
        (errno.EIO, "fdatasync", Status.FAILED, "the device failed: fdatasync", "see dmesg"),
        (errno.ENOSPC, "write", Status.FAILED, "the storage below the device ran full", "free"),
        (errno.ENOSPC, "fsync", Status.FAILED, "the storage below the device ran full", "--dir"),
        (errno.EOPNOTSUPP, "RWF_DSYNC write", Status.SKIPPED, "no RWF_DSYNC", "sync=fdatasync"),
        (errno.EAGAIN, "start thread", Status.SKIPPED, "no more threads may be", "--set threads"),
        (errno.ENOENT, "open device", Status.FAILED, "the device went away", "see dmesg"),
        (errno.EACCES, "open device", Status.FAILED, "this user may not open", "run as root"),
        (errno.ENOMEM, "reserve block", Status.SKIPPED, "4096 bytes in each of 16", "--set thr"),
        (errno.ENOMEM, "reserve threads", Status.SKIPPED, "not enough memory", "block to less"),
        (errno.EMFILE, "open device", Status.FAILED, "no more files may be open", "ulimit -n"),
        (errno.EILSEQ, "write", Status.FAILED, "write /dev/x at 4096: Invalid or incom", ""),
    ],
)
def test_what_goes_wrong_says_what_to_do(
    code: int, step: str, status: Status, words: str, remedy: str
) -> None:
    error = CoreError(code=code, step=step, path="/dev/x", offset=4096)
    finding = found(error)
    assert finding.status is status
    assert words in (finding.reason or "")
    assert remedy in (finding.remedy or "")


def test_an_error_of_no_file_in_particular_names_none() -> None:
    error = CoreError(code=errno.EAGAIN, step="start thread", path="", offset=-1)
    finding = found(error)
    assert finding.reason == (
        "no more threads may be started here: start thread: Resource temporarily unavailable "
        "(EAGAIN)"
    )
