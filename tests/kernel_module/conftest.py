"""Devices and file systems for tests of the kernel module, which run in a guest that has it."""

import contextlib
import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel_module.fill_device import DEVICE, buffers, references
from native.places import command

MIB = 1 << 20
_CONFIGFS = Path("/sys/kernel/config/nullb")
_DEBUGFS = Path("/sys/kernel/debug")
_REMEDY = "tests/lab/test_kernel_module.py runs these in a guest that has it"
_COMPLAINT = re.compile(
    r"WARNING|BUG|UBSAN|Oops|general protection|hung task|scheduling while|KFENCE"
)

FILE_BYTES = 3 * MIB + 123


class Device:
    """A null_blk with its file system; a request takes ``request_ns``."""

    def __init__(self, name: str, kind: str, size_mib: int, request_ns: int, place: Path) -> None:
        self.directory, self.place = _CONFIGFS / name, place
        self.directory.mkdir()
        settings = {
            "size": size_mib,
            "memory_backed": 1,
            "irqmode": 2,
            "completion_nsec": request_ns,
            "power": 1,
        }
        for attribute, value in settings.items():
            (self.directory / attribute).write_text(str(value))
        self.node = f"/dev/{name}" if Path(f"/dev/{name}").exists() else self._numbered()
        command(f"mkfs.{kind}", "-q", self.node)
        place.mkdir()
        command("mount", self.node, str(place))

    def _numbered(self) -> str:
        return f"/dev/nullb{(self.directory / 'index').read_text().strip()}"

    def close(self) -> None:
        command("umount", str(self.place))
        (self.directory / "power").write_text("0")
        self.directory.rmdir()


@contextlib.contextmanager
def device_of(
    name: str, kind: str, place: Path, size_mib: int = 400, request_ns: int = 20_000
) -> Iterator[Device]:
    device = Device(name, kind, size_mib, request_ns, place)
    try:
        yield device
    finally:
        device.close()


@pytest.fixture(scope="session", autouse=True)
def _module() -> Iterator[None]:
    """Skips where there is no module; in the end the kernel must have complained of nothing."""
    if not DEVICE.exists():
        pytest.skip(f"no {DEVICE}: {_REMEDY}")
    if not (_DEBUGFS / "dma_buf").exists():
        command("mount", "-t", "debugfs", "debugfs", str(_DEBUGFS))
    if not _CONFIGFS.exists():
        command("modprobe", "null_blk", "nr_devices=0")
        if not _CONFIGFS.exists():
            command("mount", "-t", "configfs", "configfs", str(_CONFIGFS.parent))
    yield
    log = subprocess.run(["dmesg"], check=True, capture_output=True, text=True).stdout
    assert not [line for line in log.splitlines() if _COMPLAINT.search(line)]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """No dma-buf of the module's, and nobody who uses it."""
    yield
    assert (buffers(), references()) == (0, 0)


@pytest.fixture(scope="session")
def data() -> bytes:
    return random.Random(13).randbytes(FILE_BYTES)


@pytest.fixture(scope="session", params=["ext4", "xfs", "f2fs"])
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> Iterator[Path]:
    """A file with an odd end on each file system."""
    place = tmp_path_factory.mktemp("place") / request.param
    with device_of(request.param, request.param, place):
        yield written(place / "model", data)


@pytest.fixture(scope="session")
def plain_model(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> Iterator[Path]:
    """The same file, where the file system does not matter."""
    place = tmp_path_factory.mktemp("place") / "plain"
    with device_of("plain", "ext4", place, size_mib=64):
        yield written(place / "model", data)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    os.sync()
    return path
