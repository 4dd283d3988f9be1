"""Fixtures of folio-write's tests."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import MIB


@pytest.fixture
def small_ext4(nothing_is_left: None, tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB on a loop device."""
    del nothing_is_left
    image, at = tmp_path / "ext4.img", tmp_path / "ext4"
    at.mkdir()
    with image.open("wb") as stream:
        stream.truncate(16 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)
