"""A dma-buf of a heap, filled through its mapping."""

import fcntl
import mmap
import os
import struct

from dmabuf import DMA_HEAP_IOCTL_ALLOC, SYNC_END, SYNC_START, open_device, sync
from recipe import Model, Source, failure, main

HEAP = "/dev/dma_heap/system"


def allocate_in_heap(size: int) -> int:
    """Returns: the dma-buf."""
    # For reading only: on phones a loader may do no more with it.
    heap = open_device(HEAP, os.O_RDONLY, "take a kernel with CONFIG_DMABUF_HEAPS_SYSTEM")
    request = struct.pack("=QIIQ", size, 0, os.O_RDWR | os.O_CLOEXEC, 0)
    try:
        return int(struct.unpack("=QIIQ", fcntl.ioctl(heap, DMA_HEAP_IOCTL_ALLOC, request))[1])
    except OSError as error:
        raise failure(error, "DMA_HEAP_IOCTL_ALLOC") from error
    finally:
        os.close(heap)


def load(path: str) -> Model:
    # Buffered: a heap's mapping (VM_PFNMAP) cannot be pinned, and O_DIRECT answers EFAULT.
    with Source(path) as source:
        dmabuf = allocate_in_heap(source.room)
        memory = memoryview(mmap.mmap(dmabuf, source.room))
        sync(dmabuf, SYNC_START)
        source.read(memory)
        sync(dmabuf, SYNC_END)
        return Model(memory[: source.bytes], source.how, dmabuf)


if __name__ == "__main__":
    main(load)
