"""Block devices that a test makes as a user would: loops over files, and partitions of them."""

import contextlib
import hashlib
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from commands import MIB


@contextlib.contextmanager
def loop(image: Path, *options: str, size_bytes: int = 4 * MIB) -> Iterator[str]:
    """A loop device over a new file of bytes that are always the same; both are gone at the end."""
    image.write_bytes(random.Random(size_bytes).randbytes(size_bytes))
    device = run("losetup", "--find", "--show", *options, str(image))
    try:
        yield device
    finally:
        run("losetup", "--detach", device)
        image.unlink()


@contextlib.contextmanager
def partition(device: str) -> Iterator[str]:
    """The second half of a device, as a partition that only the kernel knows of."""
    sectors = int(run("blockdev", "--getsz", device))
    # The kernel is told; a table on the disk would need one that reads its format.
    run("addpart", device, "1", str(sectors // 2), str(sectors // 2))
    try:
        yield f"{device}p1"
    finally:
        run("delpart", device, "1")


@contextlib.contextmanager
def mounted(device: str, point: Path, fs_type: str = "ext4") -> Iterator[Path]:
    """A new file system on a device, mounted."""
    run(f"mkfs.{fs_type}", "-q", device)
    point.mkdir()
    run("mount", "-t", fs_type, device, str(point))
    try:
        yield point
    finally:
        run("umount", str(point))
        point.rmdir()


@contextlib.contextmanager
def frozen(point: Path) -> Iterator[None]:
    """A mounted file system that nobody writes to: else the kernel does when it likes."""
    run("fsfreeze", "--freeze", str(point))
    try:
        yield
    finally:
        run("fsfreeze", "--unfreeze", str(point))


@contextlib.contextmanager
def swapped_on(device: str) -> Iterator[str]:
    """A device that the kernel swaps on, last of all."""
    run("mkswap", device)
    run("swapon", "--priority", "0", device)
    try:
        yield device
    finally:
        run("swapoff", device)


def checksum(device: str | Path) -> str:
    """Of all that is on a device or in a file."""
    return hashlib.sha256(Path(device).read_bytes()).hexdigest()


def number_of(device: str) -> str:
    """``MAJ:MIN``."""
    return (Path("/sys/class/block") / Path(device).name / "dev").read_text().strip()


def run(*words: str) -> str:
    """Run a tool; its output without the last newline."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout.strip()
