"""Buffers and the module over their lifetimes: kills, several at once, removal, devices."""

import ctypes
import errno
import fcntl
import mmap
import os
import random
import signal
import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from kernel_module.conftest import FILE_BYTES, MIB, device_of, written
from kernel_module.fill_device import MODULE, buffers, filled, references, remove_module
from native.places import command

pytestmark = pytest.mark.root

_SLOW_NS = 20_000_000
_SLACK_KIB = 64 << 10
_ENDS_WITHIN_S = 60


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """48 MiB on a device that takes 20 ms for each request: one after the other takes 15 s."""
    place = tmp_path_factory.mktemp("slow") / "slow"
    with device_of("slow", "ext4", place, size_mib=128, request_ns=_SLOW_NS):
        yield written(place / "model", random.Random(1).randbytes(MIB) * 48)


def _child(act: Callable[[], bool]) -> int:
    """The pid of a process that does it, and says by its exit code whether it went well."""
    pid = os.fork()
    if not pid:
        well = False
        try:
            well = act()
        finally:
            os._exit(0 if well else 1)
    return pid


def _free_kib() -> int:
    Path("/proc/sys/vm/drop_caches").write_text("3")
    text = Path("/proc/meminfo").read_text()
    return int(text.split("MemFree:")[1].split()[0])


def _kill_amid_a_load(model: Path, mode: int, depth: int, io: int) -> None:
    def load() -> bool:
        fd = os.open(model, os.O_RDONLY | io)
        with filled(fd, length=48 * MIB, mode=mode, depth=depth, block=64 << 10):
            return False

    pid = _child(load)
    end = time.monotonic() + _ENDS_WITHIN_S
    while not references() and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        assert time.monotonic() < end, "a load goes on after SIGKILL"
        time.sleep(0.01)


def test_a_killed_load_ends_and_leaves_nothing(slow_model: Path) -> None:
    before = _free_kib()
    for io, depth in ((0, 1), (os.O_DIRECT, 16)):
        for mode in range(3):
            _kill_amid_a_load(slow_model, mode, depth, io)
            assert (buffers(), references()) == (0, 0)
    assert _free_kib() > before - _SLACK_KIB


def test_four_at_once_each_get_their_own(plain_model: Path, data: bytes) -> None:
    def load(mode: int = 0) -> bool:
        fd = os.open(plain_model, os.O_RDONLY | os.O_DIRECT)
        for turn in range(4):
            offset = turn * 16 * mmap.PAGESIZE
            with filled(
                fd, offset=offset, length=FILE_BYTES - offset, mode=mode, depth=4, block=64 << 10
            ) as buffer:
                if buffer.content()[: FILE_BYTES - offset] != data[offset:]:
                    return False
        return True

    pids = [_child(partial(load, mode)) for mode in (0, 1, 2, 1)]
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 4


def test_memory_does_not_dwindle(plain_model: Path) -> None:
    fd = os.open(plain_model, os.O_RDONLY | os.O_DIRECT)
    before = _free_kib()
    for turn in range(24):
        with filled(fd, length=FILE_BYTES, size=4 * MIB, mode=turn % 3, depth=4) as buffer:
            buffer.content()
    os.close(fd)
    assert _free_kib() > before - _SLACK_KIB


def test_a_pinned_page_outlives_its_buffer(plain_model: Path, data: bytes) -> None:
    """A pipe holds pages of the mapping that vmsplice put there."""
    read, write = os.pipe()
    libc = ctypes.CDLL(None, use_errno=True)
    with (
        plain_model.open("rb") as stream,
        filled(stream.fileno(), length=FILE_BYTES, flags=1) as buffer,
    ):
        view = mmap.mmap(buffer.fd, buffer.size, mmap.MAP_SHARED)
        address = ctypes.addressof(ctypes.c_char.from_buffer(view)) + MIB
        vector = struct.pack("=QQ", address, 4 * mmap.PAGESIZE)
        assert libc.vmsplice(write, vector, 1, 0) == 4 * mmap.PAGESIZE
    view.close()
    assert buffers() == 0
    assert os.read(read, 4 * mmap.PAGESIZE) == data[MIB : MIB + 4 * mmap.PAGESIZE]
    os.close(read)
    os.close(write)


def test_the_module_stays_while_a_dma_buf_of_it_exists() -> None:
    with filled(size=MIB):
        assert references() == 1
        assert remove_module() == errno.EWOULDBLOCK


_PRIME_FD_TO_HANDLE = 3 << 30 | 12 << 16 | ord("d") << 8 | 0x2E
_GEM_CLOSE = 1 << 30 | 8 << 16 | ord("d") << 8 | 0x09


def _vgem() -> Path:
    command("modprobe", "vgem")
    for card in Path("/sys/class/drm").glob("card*"):
        if "vgem" in str(card.resolve()):
            return Path("/dev/dri") / card.name
    pytest.skip("no vgem: a kernel with CONFIG_DRM_VGEM")


def test_a_device_attaches_and_maps_it(plain_model: Path) -> None:
    """vgem is a DRM driver without hardware; importing attaches to the dma-buf."""
    card = os.open(_vgem(), os.O_RDWR)
    with plain_model.open("rb") as stream, filled(stream.fileno(), length=FILE_BYTES) as buffer:
        words = bytearray(struct.pack("=IIi", 0, 0, buffer.fd))
        fcntl.ioctl(card, _PRIME_FD_TO_HANDLE, words)
        handle = struct.unpack("=IIi", words)[0]
        info = Path("/sys/kernel/debug/dma_buf/bufinfo").read_text()
        assert "vgem" in info.split(MODULE)[1]
        sync = struct.pack("=Q", 3)
        fcntl.ioctl(buffer.fd, 1 << 30 | 8 << 16 | ord("b") << 8, sync)
        fcntl.ioctl(buffer.fd, 1 << 30 | 8 << 16 | ord("b") << 8, struct.pack("=Q", 3 | 4))
        fcntl.ioctl(card, _GEM_CLOSE, struct.pack("=II", handle, 0))
    os.close(card)
