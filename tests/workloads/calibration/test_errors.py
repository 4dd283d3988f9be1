"""What the core's errors mean in a Trial of calibration."""

import errno
from pathlib import Path

import pytest

import loadstone
from commands import needs_root
from loadstone.model import Case, CoreError, Input, Outcome, Status
from loadstone.targets.local import LocalTarget
from loadstone.workloads.calibration.trials import PreparedCalibration


@pytest.mark.parametrize(
    ("code", "step", "status", "words"),
    [
        (errno.EOPNOTSUPP, "huge pages", Status.SKIPPED, "no transparent huge pages"),
        (errno.EINVAL, "MADV_HUGEPAGE", Status.SKIPPED, "no transparent huge pages"),
        (errno.ENOMEM, "huge page fault", Status.SKIPPED, "small pages where huge ones"),
        (errno.ENOSPC, "write", Status.SKIPPED, "no file can be made"),
        (errno.EAGAIN, "page cache of", Status.INVALID, "left the page cache"),
        (errno.EIO, "fsync", Status.FAILED, "Input/output error"),
    ],
)
def test_what_an_effect_lacks_is_told(
    place: Path, code: int, step: str, status: Status, words: str
) -> None:
    prepared = PreparedCalibration(LocalTarget(place), Input(), None, str(place / "none"))
    case = Case.of("calibration", "x", {"effect": "thp-fault", "size": 65536})
    error = CoreError(code=code, step=step, path="memory")
    finding = prepared.evaluate(case, Outcome(error=error))
    assert finding.status is status
    assert words in (finding.reason or "")
    assert finding.remedy or status is Status.FAILED


@needs_root
def test_a_kernel_whose_huge_pages_are_off_is_a_skip(place: Path) -> None:
    switch = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not switch.exists():
        pytest.skip("needs a kernel with CONFIG_TRANSPARENT_HUGEPAGE")
    before = switch.read_text().split("[")[1].split("]")[0]
    switch.write_text("never")
    try:
        run = loadstone.run(
            "calibration",
            axes={"effect": "thp-fault"},
            rounds=1,
            warmups=0,
            results=place / "results",
        )
    finally:
        switch.write_text(before)
    assert [trial.status for trial in run.trials] == [Status.SKIPPED]
    assert "transparent_hugepage/enabled" in (run.trials[0].remedy or "")
