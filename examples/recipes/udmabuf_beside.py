"""The same, with the dma-buf made by a thread while the file is read."""

import os
from concurrent.futures import ThreadPoolExecutor

from dmabuf import SYNC_END, SYNC_START, make_memfd, make_udmabuf, sync
from recipe import Model, Source, main


def load(path: str) -> Model:
    with Source(path, direct=True) as source:
        memfd, mapping = make_memfd(source.room)
        memory = memoryview(mapping)
        try:
            with ThreadPoolExecutor(1) as exporter:
                future = exporter.submit(make_udmabuf, memfd, source.room)
                source.read(memory)
            dmabuf = future.result()
        finally:
            os.close(memfd)
        sync(dmabuf, SYNC_START)
        sync(dmabuf, SYNC_END)
        return Model(memory[: source.bytes], source.how, dmabuf)


if __name__ == "__main__":
    main(load)
