"""What the module refuses, by errno, and that a refusal leaves nothing behind."""

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel_module.conftest import FILE_BYTES, MIB, device_of, written
from kernel_module.fill_device import (
    DEVICE,
    LAYOUT,
    OVERLAPPED,
    PAGE,
    device,
    filled,
    number,
    request,
)

pytestmark = pytest.mark.root

_GROUP = Path("/sys/fs/cgroup/loadstone-fill")


def _code(file_fd: int = -1, **fields: int) -> int:
    with pytest.raises(OSError) as raised, filled(file_fd, **fields):
        pass
    assert raised.value.errno is not None
    return raised.value.errno


def _descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def _ioctl(fd: int, command: int, address: int) -> int:
    """0 or an errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    failed = libc.ioctl(fd, ctypes.c_ulong(command), ctypes.c_void_p(address))
    return ctypes.get_errno() if failed else 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"size": 0}, errno.EINVAL),
        ({"size": PAGE + 1}, errno.EINVAL),
        ({"size": PAGE, "batch": 0}, errno.EINVAL),
        ({"size": PAGE, "flags": 2}, errno.EINVAL),
        ({"size": PAGE, "flags": 1 << 31}, errno.EINVAL),
        ({"size": PAGE, "file_fd": 0}, errno.EINVAL),
        ({"size": 1 << 63}, errno.ENOMEM),
        ({"size": (1 << 64) - PAGE}, errno.ENOMEM),
        ({"size": 1 << 42}, errno.ENOMEM),
    ],
)
def test_memory_that_cannot_be_had(fields: dict[str, int], code: int) -> None:
    assert _code(**fields) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mode": 3}, errno.EINVAL),
        ({"depth": 0}, errno.EINVAL),
        ({"depth": 4097}, errno.EINVAL),
        ({"block": 0}, errno.EINVAL),
        ({"block": (1 << 30) + 1}, errno.EINVAL),
        ({"length": PAGE + 1}, errno.EINVAL),
        ({"length": 1 << 63}, errno.EINVAL),
        ({"offset": (1 << 63) - 1}, errno.EOVERFLOW),
        ({"offset": (1 << 64) - 1}, errno.EOVERFLOW),
        ({"offset": FILE_BYTES}, errno.ENODATA),
        ({"offset": FILE_BYTES - 1}, errno.ENODATA),
        ({"offset": 1 << 40}, errno.ENODATA),
    ],
)
def test_ranges_that_cannot_be_read(plain_model: Path, fields: dict[str, int], code: int) -> None:
    with plain_model.open("rb") as stream:
        assert _code(stream.fileno(), **({"length": PAGE, "size": PAGE} | fields)) == code


@pytest.mark.parametrize("mode", range(3))
@pytest.mark.parametrize("io", [0, os.O_DIRECT])
def test_a_file_that_ends_before_the_range(plain_model: Path, mode: int, io: int) -> None:
    fd = os.open(plain_model, os.O_RDONLY | io)
    fields = {"mode": mode, "depth": 4, "block": 16 * PAGE}
    assert _code(fd, length=FILE_BYTES + 1, **fields) == errno.ENODATA
    assert _code(fd, length=2 * FILE_BYTES, **fields) == errno.ENODATA
    os.close(fd)


def test_a_direct_read_that_is_not_aligned(plain_model: Path) -> None:
    fd = os.open(plain_model, os.O_RDONLY | os.O_DIRECT)
    assert _code(fd, offset=1, length=PAGE) == errno.EINVAL
    os.close(fd)


def test_descriptors_that_are_no_readable_file(plain_model: Path, tmp_path: Path) -> None:
    pipe = os.pipe()
    cases = {
        -1: errno.EBADF,
        1 << 20: errno.EBADF,
        os.open(plain_model, os.O_WRONLY): errno.EBADF,
        os.open(plain_model, os.O_PATH): errno.EBADF,
        os.open(tmp_path, os.O_RDONLY): errno.EINVAL,
        os.open("/dev/zero", os.O_RDONLY): errno.EINVAL,
        pipe[0]: errno.EINVAL,
    }
    with filled(size=PAGE) as buffer:
        cases[buffer.fd] = errno.EINVAL
        for fd, code in cases.items():
            assert _code(fd, length=PAGE) == code
    for fd in (*cases, pipe[1]):
        with contextlib.suppress(OSError):
            os.close(fd)


def test_commands_of_another_size() -> None:
    """A struct of a later version is taken as long as what is new in it is zero."""
    words = request(size=PAGE)
    shorter, longer = LAYOUT.size - 8, LAYOUT.size + 16
    with device() as fd:
        for command in (number(shorter), number(0), number(LAYOUT.size) + 1, 0x5401):
            with pytest.raises(OSError, match="ioctl"):
                fcntl.ioctl(fd, command, words)
        later = words + bytes(16)
        fcntl.ioctl(fd, number(longer), later)
        os.close(LAYOUT.unpack(later[: LAYOUT.size])[9])
        assert later[LAYOUT.size :] == bytes(16)
        with pytest.raises(OSError, match="Argument list too long"):
            fcntl.ioctl(fd, number(longer), words + bytes(15) + b"\1")


def test_a_struct_that_cannot_be_read_or_written() -> None:
    """What cannot be told to the caller is undone, descriptor included."""
    command = number(LAYOUT.size)
    before = _descriptors()
    with mmap.mmap(-1, PAGE) as page, device() as fd:
        page[: LAYOUT.size] = bytes(request(size=MIB))
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        libc = ctypes.CDLL(None, use_errno=True)
        assert _ioctl(fd, command, 8) == errno.EFAULT
        assert libc.mprotect(ctypes.c_void_p(address), PAGE, mmap.PROT_READ) == 0
        assert _ioctl(fd, command, address) == errno.EFAULT
        assert libc.mprotect(ctypes.c_void_p(address), PAGE, mmap.PROT_READ | mmap.PROT_WRITE) == 0
    assert _descriptors() == before


def test_no_descriptor_left_for_the_dma_buf() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with device() as fd:
        resource.setrlimit(resource.RLIMIT_NOFILE, (fd + 1, hard))
        try:
            words = request(size=MIB)
            with pytest.raises(OSError, match="Too many open files"):
                fcntl.ioctl(fd, number(len(words)), words)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _sector(fd: int, offset: int) -> int:
    """Where on its device a file has what is at an offset, by FIBMAP."""
    block_bytes = os.fstatvfs(fd).f_bsize
    found = fcntl.ioctl(fd, 1, struct.pack("=i", offset // block_bytes))
    return int(struct.unpack("=i", found)[0]) * block_bytes // 512


@pytest.mark.parametrize("mode", range(3))
def test_a_device_that_fails_in_the_middle(tmp_path: Path, mode: int) -> None:
    """Requests before and after it are in flight then."""
    with device_of("faulty", "ext4", tmp_path / "faulty", size_mib=64) as faulty:
        model = written(tmp_path / "faulty" / "model", os.urandom(8 * MIB))
        fd = os.open(model, os.O_RDONLY | os.O_DIRECT)
        first = _sector(fd, 4 * MIB)
        (faulty.directory / "badblocks").write_text(f"+{first}-{first + 7}")
        try:
            code = _code(fd, length=8 * MIB, mode=mode, depth=16, block=16 * PAGE)
        finally:
            (faulty.directory / "badblocks").write_text(f"-{first}-{first + 7}")
            os.close(fd)
    assert code == errno.EIO


@pytest.fixture
def limited() -> Iterator[Path]:
    """A memory cgroup of 24 MiB."""
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        pytest.skip("needs the second version of control groups at /sys/fs/cgroup")
    _GROUP.mkdir()
    (_GROUP / "memory.max").write_text(str(24 * MIB))
    yield _GROUP
    _GROUP.rmdir()


def test_memory_is_charged_to_the_callers_cgroup_and_nobody_is_killed(limited: Path) -> None:
    child = os.fork()
    if not child:
        (limited / "cgroup.procs").write_text(str(os.getpid()))
        with filled(size=8 * MIB):
            charged = int((limited / "memory.current").read_text()) >= 8 * MIB
        # 2 for ENOMEM, as asked; what was allocated until then is given back.
        os._exit(2 if charged and _code(size=64 * MIB, mode=OVERLAPPED) == errno.ENOMEM else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert "oom_kill 0" in (limited / "memory.events").read_text()
    assert int((limited / "memory.current").read_text()) < 8 * MIB


def test_only_root_may_open_the_device() -> None:
    assert stat.S_IMODE(DEVICE.stat().st_mode) == 0o600
