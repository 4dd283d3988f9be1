"""Direct reads into shared memory, of which then a dma-buf is made: nothing is copied."""

import os

from dmabuf import SYNC_END, SYNC_START, make_memfd, make_udmabuf, sync
from recipe import Model, Source, main


def load(path: str) -> Model:
    with Source(path, direct=True) as source:
        memfd, mapping = make_memfd(source.room)
        memory = memoryview(mapping)
        try:
            source.read(memory)
            dmabuf = make_udmabuf(memfd, source.room)
        finally:
            os.close(memfd)
        sync(dmabuf, SYNC_START)
        sync(dmabuf, SYNC_END)
        return Model(memory[: source.bytes], source.how, dmabuf)


if __name__ == "__main__":
    main(load)
