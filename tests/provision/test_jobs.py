"""What the errors of Jobs that prepare become."""

import errno
from pathlib import Path

import pytest

from loadstone.errors import CannotMeasureError, LoadstoneError, UsageError
from loadstone.model import CoreError, Job, Outcome
from loadstone.provision.jobs import execute, job_error
from loadstone.targets.local import LocalTarget


def error_of(code: int, smaller: str | None = None) -> LoadstoneError:
    error = CoreError(code=code, step="write", path="/d/loadstone-x")
    return job_error(CannotMeasureError, error, "look there", smaller)


@pytest.mark.parametrize(
    ("code", "smaller", "remedy"),
    [
        (errno.ENOSPC, None, "free space, or name another directory with --dir"),
        (errno.ENOSPC, "take less", "take less, or free space, or name another directory"),
        (errno.EFBIG, "take less", "take less, or name a directory of another file system"),
        (errno.EROFS, "take less", "name a writable directory with --dir"),
        (errno.EMLINK, "take less", "look there"),
    ],
)
def test_a_remedy_is_the_errnos_and_a_smaller_file_only_where_it_helps(
    code: int, smaller: str | None, remedy: str
) -> None:
    error = error_of(code, smaller)
    assert isinstance(error, CannotMeasureError)
    assert error.what.startswith("write /d/loadstone-x: ")
    assert (error.remedy or "").startswith(remedy)


def test_a_file_that_shrinks_is_the_users() -> None:
    error = error_of(errno.ENODATA)
    assert isinstance(error, UsageError)
    assert error.remedy == "keep it still, and run again"


class _DyingTarget(LocalTarget):
    """This machine, did it kill every worker."""

    def execute(self, job: Job) -> Outcome:
        del job
        return Outcome(crash="killed by SIGKILL")


def test_a_job_that_dies_names_its_operation_and_target(place: Path) -> None:
    job = Job(operation="make-file", options={})
    with pytest.raises(LoadstoneError, match=r"make-file on local: killed by SIGKILL; see dmesg"):
        execute(_DyingTarget(place), job)
