"""What tests of EROFS need of a machine, and images as others make them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"
_FILE_SYSTEMS = Path("/proc/filesystems")

needs_mkfs_erofs = pytest.mark.skipif(
    shutil.which("mkfs.erofs", path=_SBIN) is None, reason="apt-get install erofs-utils"
)

needs_erofs = pytest.mark.skipif(
    "\terofs\n" not in _FILE_SYSTEMS.read_text()
    and subprocess.run(["modprobe", "erofs"], capture_output=True, check=False).returncode != 0,
    reason="no EROFS in this kernel: run the tests on one that has it",
)


def make_image(image: Path, tree: Path, *options: str) -> Path:
    """An image of a directory."""
    program = shutil.which("mkfs.erofs", path=_SBIN)
    assert program
    subprocess.run([program, *options, str(image), str(tree)], capture_output=True, check=True)
    return image


def damage(image: Path, at: int, data: bytes) -> None:
    """Overwrite a part of an image."""
    with image.open("r+b") as stream:
        stream.seek(at)
        stream.write(data)
