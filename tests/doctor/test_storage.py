"""What the file system and the device below a file allow."""

import os
from pathlib import Path

import pytest

from doctor.answers import named, of_local


@pytest.mark.native
@pytest.mark.skipif(
    not os.access("/dev/shm", os.W_OK), reason="no tmpfs at /dev/shm; mount one there"
)
def test_a_file_in_memory_is_never_cold(tmp_path: Path) -> None:
    file = Path(f"/dev/shm/loadstone-test-{os.getpid()}")
    try:
        file.write_bytes(b"model")
        diagnosis = of_local(file, tmp_path)
    finally:
        file.unlink(missing_ok=True)
    assert "tmpfs" in (named(diagnosis, "cold start").reason or "")
    assert not named(diagnosis, "block device").is_met
    assert diagnosis.can_load


@pytest.mark.native
def test_a_file_on_a_disk_can_be_cold(model: Path, tmp_path: Path) -> None:
    diagnosis = of_local(model, tmp_path)
    on_memory = "tmpfs" in named(diagnosis, "file system").detail
    assert on_memory == any(check.name == "cold start" for check in diagnosis.checks)
