"""Shared memory that a dma-buf is made of, and the dma-buf: the kernel's ABI by fcntl.ioctl."""

import errno
import fcntl
import mmap
import os
import struct

from recipe import failure

# linux/udmabuf.h, linux/dma-heap.h, linux/dma-buf.h: the numbers of most architectures (not of
# PowerPC, MIPS, SPARC, Alpha).
UDMABUF_CREATE, UDMABUF_FLAGS_CLOEXEC = 0x40187542, 1
DMA_HEAP_IOCTL_ALLOC = 0xC0184800
DMA_BUF_IOCTL_SYNC = 0x40086200
SYNC_RW, SYNC_START, SYNC_END = 3, 0, 4
TOO_LARGE = "too large: raise /sys/module/udmabuf/parameters/size_limit_mb"


def open_device(path: str, flags: int, remedy: str) -> int:
    """Args: remedy: what to do where there is none."""
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except OSError as error:
        what = remedy if error.errno == errno.ENOENT else "run as root"
        raise failure(error, f"open {path}", what) from error


def make_memfd(size: int) -> tuple[int, mmap.mmap]:
    """A udmabuf takes only a memfd that can no longer shrink."""
    memfd = os.memfd_create("model", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(memfd, size)
    fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return memfd, mmap.mmap(memfd, size)


def make_udmabuf(memfd: int, size: int) -> int:
    """Takes the pages of the memfd, and allocates those that are not there."""
    device = open_device("/dev/udmabuf", os.O_RDWR, "modprobe udmabuf (CONFIG_UDMABUF)")
    # Of a bytearray ioctl returns what the call does: the descriptor.
    request = bytearray(struct.pack("=IIQQ", memfd, UDMABUF_FLAGS_CLOEXEC, 0, size))
    try:
        return int(fcntl.ioctl(device, UDMABUF_CREATE, request))
    except OSError as error:
        remedy = TOO_LARGE if error.errno == errno.EINVAL else ""
        raise failure(error, "UDMABUF_CREATE", remedy) from error
    finally:
        os.close(device)


def sync(dmabuf: int, edge: int) -> None:
    """Around what the CPU does to its memory: devices that see no caches need both edges."""
    fcntl.ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, struct.pack("=Q", SYNC_RW | edge))
