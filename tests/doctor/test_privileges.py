"""What this user may do on a Target."""

from pathlib import Path

import pytest

from doctor.answers import FakeTarget, named, of_fake


@pytest.mark.parametrize(
    ("limits", "status", "is_met"),
    [
        ("Max locked memory  8388608  8388608  bytes", "CapEff:\t0000000000000000", False),
        ("Max locked memory  8388608  8388608  bytes", "CapEff:\t0000000000004000", True),
        ("Max locked memory  unlimited  unlimited  bytes", "CapEff:\t0000000000000000", True),
        ("Max locked memory  2147483648  unlimited  bytes", "CapEff:\t0000000000000000", True),
        ("", "", False),
    ],
)
def test_locked_memory_must_be_enough_for_registered_buffers(
    limits: str, status: str, is_met: bool, tmp_path: Path
) -> None:
    texts = {"/proc/self/limits": f"{limits}\n", "/proc/self/status": f"{status}\n"}
    diagnosis = of_fake(FakeTarget(texts=texts, size_bytes=1 << 30), tmp_path)
    check = named(diagnosis, "locked memory")
    assert check.is_met == is_met
    assert is_met or "memlock" in (check.remedy or "")
