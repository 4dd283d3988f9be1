"""What the core's errors mean in a Trial of folio-write."""

import errno
from pathlib import Path

import pytest

from loadstone.model import CoreError, Outcome, Status
from workloads.folio_write.writes import case_of, prepared_in


@pytest.mark.parametrize(
    ("code", "step", "status", "words", "remedy"),
    [
        (errno.EACCES, "create", Status.FAILED, "no file can be made here", "--dir"),
        (errno.ENOSPC, "fsync", Status.FAILED, "the file system ran full", "1048576 bytes"),
        (errno.EDQUOT, "O_DSYNC write", Status.FAILED, "the file system ran full", "total"),
        (errno.EOPNOTSUPP, "RWF_DONTCACHE write", Status.SKIPPED, "no RWF_DONTCACHE", "io="),
        (errno.EINVAL, "O_DIRECT open", Status.SKIPPED, "refuses O_DIRECT", "io=buffered"),
        (errno.EINVAL, "size for O_DIRECT", Status.SKIPPED, "multiple of 4096", "size=4096"),
        (errno.EBADMSG, "verify written", Status.FAILED, "wrong data", "do not trust"),
        (errno.EIO, "fsync", Status.FAILED, "the device failed", "dmesg"),
        (errno.EOPNOTSUPP, "fallocate", Status.SKIPPED, "preallocates nothing", "prealloc=none"),
        (errno.ENOSPC, "fallocate", Status.FAILED, "the file system ran full", "1048576 bytes"),
        (errno.ENOMEM, "reserve payload", Status.SKIPPED, "not enough memory", "less than 4096"),
        (errno.EACCES, "open", Status.FAILED, "no file can be made here", "--dir"),
        (errno.EAGAIN, "start thread", Status.SKIPPED, "no more threads", "--set threads to less"),
        (errno.ENOSPC, "io_uring write", Status.FAILED, "the file system ran full", "total"),
        (errno.EPERM, "io_uring_setup", Status.SKIPPED, "refused to this user", "engine=pwrite"),
        (errno.ENOSYS, "io_uring_setup", Status.SKIPPED, "has no io_uring", "engine=pwrite"),
        (errno.EINVAL, "io_uring_setup", Status.SKIPPED, "Linux 5.10", "engine=pwrite"),
        (errno.ENOMEM, "io_uring_setup", Status.SKIPPED, "ring of 16 entries", "ulimit -l"),
        (
            *(errno.EOPNOTSUPP, "io_uring RWF_DONTCACHE write", Status.SKIPPED),
            *("no RWF_DONTCACHE", "io=buffered"),
        ),
        (errno.EINVAL, "io_uring O_DIRECT write", Status.SKIPPED, "refuses O_DIRECT", "--dir"),
    ],
)
def test_what_goes_wrong_says_what_to_do(
    place: Path, code: int, step: str, status: Status, words: str, remedy: str
) -> None:
    error = CoreError(code=code, step=step, path="/d/loadstone-write", offset=4096)
    case = case_of(engine="uring", depth=16) if "io_uring" in step else case_of()
    finding = prepared_in(place).evaluate(case, Outcome(error=error))
    assert finding.status is status
    assert words in (finding.reason or "")
    assert remedy in (finding.remedy or "")


@pytest.mark.parametrize("together", ["threads", "depth"])
def test_direct_appends_that_are_lost_are_told_from_wrong_data(place: Path, together: str) -> None:
    error = CoreError(code=errno.EBADMSG, step="verify written", path="/d/x", offset=4096)
    asked: dict[str, str | int] = {"engine": "uring", "pattern": "append", "io": "direct"}
    for count, words in ((1, "wrong data: "), (2, "appends were lost: ")):
        case = case_of(**asked, **{together: count})
        finding = prepared_in(place).evaluate(case, Outcome(error=error))
        assert (finding.reason or "").startswith(words)
        assert (f"{together}=1" in (finding.remedy or "")) == (count == 2)
