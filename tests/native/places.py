"""Places that tests of the core need and a machine has not: file systems, open directories."""

import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_IMAGE_BYTES = 512 << 20
_PACKAGES = {"xfs": "xfsprogs", "btrfs": "btrfs-progs", "ext4": "e2fsprogs"}


def command(*words: str) -> str:
    """Run a tool; its output without the last newline."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


def need_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: run pytest as root")


def as_stranger() -> tuple[str, ...]:
    """Words that run a program as a user without rights, whom no other test process takes.

    The kernel limits a user's processes all over the machine, so those of another test would count.
    """
    uid = 60706 + os.getpid() % 478  # of those that systemd and Debian leave unused
    return ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")


def may_lock_memory() -> bool:
    """Whether this user may register as many buffers as any test here does."""
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    return os.geteuid() == 0 or limit == resource.RLIM_INFINITY or limit >= 64 << 20


def need_locked_memory() -> None:
    if not may_lock_memory():
        pytest.skip("registered buffers were left out: run as root, or ulimit -l 65536")


def need_tool(tool: str, package: str) -> None:
    if not shutil.which(tool):
        pytest.skip(f"needs {tool}: apt-get install {package}")


@contextlib.contextmanager
def file_system(
    kind: str,
    directory: Path,
    *mkfs_options: str,
    mount_options: str = "rw",
    sector_bytes: int = 512,
) -> Iterator[Path]:
    """A new file system on a loop device over a sparse file; gone at the end, whatever comes."""
    need_root()
    need_tool(f"mkfs.{kind}", _PACKAGES[kind])
    image, place = directory / f"{kind}.img", directory / kind
    with image.open("wb") as stream:
        stream.truncate(_IMAGE_BYTES)
    place.mkdir()
    with contextlib.ExitStack() as stack:
        device = _loop_device(image, sector_bytes)
        stack.callback(command, "losetup", "--detach", device)
        command(f"mkfs.{kind}", "-q", *mkfs_options, device)
        command("mount", "-o", mount_options, device, str(place))
        stack.callback(command, "umount", str(place))
        yield place


def _loop_device(image: Path, sector_bytes: int) -> str:
    words = ("losetup", "--find", "--show", "--sector-size", str(sector_bytes), str(image))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(
            f"this kernel makes no loop device with sectors of {sector_bytes} bytes "
            f"({done.stderr.strip()}): Linux 6.15 or newer does, as root with a free /dev/loopN"
        )
    return done.stdout.strip()


@contextlib.contextmanager
def tiny_tmpfs(directory: Path, size_bytes: int) -> Iterator[Path]:
    """A tmpfs of small pages that is soon full; gone at the end, whatever comes."""
    need_root()
    place = directory / "tiny"
    place.mkdir()
    command("mount", "-t", "tmpfs", "-o", f"size={size_bytes},huge=never", "tmpfs", str(place))
    try:
        yield place
    finally:
        command("umount", str(place))


@contextlib.contextmanager
def overlay(directory: Path) -> Iterator[tuple[Path, Path]]:
    """An overlayfs; the merged directory and the lower one that it shows."""
    need_root()
    lower, upper, work, merged = (directory / name for name in ("lower", "upper", "work", "merged"))
    for path in (lower, upper, work, merged):
        path.mkdir(parents=True)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    command("mount", "-t", "overlay", "overlay", "-o", options, str(merged))
    try:
        yield merged, lower
    finally:
        command("umount", str(merged))


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """A directory on a disk that every user may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="loadstone-test-") as name:
        path = Path(name)
        if command("stat", "--file-system", "--format=%T", name) in ("tmpfs", "ramfs"):
            pytest.skip(f"{path.parent} is memory: set TMPDIR to a directory on a disk")
        path.chmod(0o755)
        yield path
