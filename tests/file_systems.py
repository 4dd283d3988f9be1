"""What tests of F2FS and SquashFS need of a machine: the kernel's part, and the mkfs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _needs(type: str, title: str, program: str, package: str) -> pytest.MarkDecorator:
    reason = _why_not(type, title, program, package)
    return pytest.mark.skipif(reason is not None, reason=reason or "")


def _why_not(type: str, title: str, program: str, package: str) -> str | None:
    if shutil.which(program, path=_SBIN) is None:
        return f"apt-get install {package}"
    modprobe = subprocess.run(["modprobe", type], capture_output=True, check=False).returncode
    if f"\t{type}\n" not in Path("/proc/filesystems").read_text() and modprobe != 0:
        return f"no {title} in this kernel: run the tests on one that has it"
    return None


needs_f2fs = _needs("f2fs", "F2FS", "mkfs.f2fs", "f2fs-tools")

needs_squashfs = _needs("squashfs", "SquashFS", "mksquashfs", "squashfs-tools")
