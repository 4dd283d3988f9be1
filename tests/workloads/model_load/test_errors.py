"""What the core's errors mean in a Trial of model-load."""

import errno

import pytest

from loadstone.core.explain import explain
from loadstone.model import CoreError, Status
from loadstone.workloads import workload
from loadstone.workloads.model_load.errors import HUGE_PAGES

LOAD = workload("model-load")


@pytest.mark.parametrize(
    ("code", "step", "destination", "status", "words", "remedy"),
    [
        (errno.ENOMEM, "mmap", "anon", Status.SKIPPED, "not enough memory", "(--size)"),
        (errno.ENOMEM, "reserve readers", "anon", Status.SKIPPED, "not enough memory", "(--size)"),
        (errno.ENOMEM, "mmap hugetlb", "hugetlb", Status.SKIPPED, "huge pages", "hugepages=7"),
        (errno.ENOMEM, "memfd_create", "memfd-hugetlb", Status.SKIPPED, "huge pages", "=7"),
        (errno.EAGAIN, "start reader thread", "anon", Status.SKIPPED, "threads", "--set threads"),
        (errno.EACCES, "open", "anon", Status.FAILED, "may not read the file", "chmod"),
        (errno.ENOENT, "open", "anon", Status.FAILED, "the file was removed", "keep the file"),
        (errno.EIO, "sendfile", "memfd", Status.FAILED, "the device failed", "see dmesg"),
        (errno.EIO, "io_uring fixed read", "thp", Status.FAILED, "the device failed", "dmesg"),
        (errno.EFAULT, "O_DIRECT read", "dma-heap:x", Status.SKIPPED, "VM_PFNMAP", "udmabuf"),
        (errno.EFAULT, "O_DIRECT read", "anon", Status.FAILED, "O_DIRECT read /m at 4096", ""),
        (errno.ERANGE, "option", "anon", Status.SKIPPED, "more than the core can", "--set /m to"),
    ],
)
def test_what_goes_wrong_says_what_to_do(
    code: int, step: str, destination: str, status: Status, words: str, remedy: str
) -> None:
    parameters, _ = LOAD.complete({"destination": destination})
    error = CoreError(code=code, step=step, path="/m", offset=4096)
    finding = explain(error, {**parameters, HUGE_PAGES: 7}, LOAD.rules)
    assert finding.status is status
    assert words in (finding.reason or "")
    assert remedy in (finding.remedy or "")
    assert bool(finding.remedy) == bool(remedy)
