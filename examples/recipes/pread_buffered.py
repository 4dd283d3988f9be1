"""One read after another through the page cache, into anonymous memory."""

import os

from recipe import Model, Source, allocate, main


def load(path: str) -> Model:
    with Source(path) as source:
        # Twice the read-ahead.
        os.posix_fadvise(source.fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        memory = memoryview(allocate(source.room))
        source.read(memory)
        return Model(memory[: source.bytes], source.how)


if __name__ == "__main__":
    main(load)
