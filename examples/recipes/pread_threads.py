"""Several direct reads in flight: a thread each. Python's lock is not held during a read."""

from concurrent.futures import ThreadPoolExecutor

from recipe import BLOCK_BYTES, Model, Source, allocate, main

THREADS = 8


def read_by_threads(source: Source, memory: memoryview) -> str:
    """Returns: how it was read."""
    # The file that is open, whatever has its name by now.
    path, size = f"/proc/self/fd/{source.fd}", source.bytes
    # One for all: a thread takes the next block, with Python's lock held.
    offsets = iter(range(0, size, BLOCK_BYTES))

    def read_blocks() -> str:
        # A descriptor of its own: leave_direct() of one must not meet a read of another.
        with Source(path, direct=True) as own:
            for start in offsets:
                own.read(memory, start, min(start + BLOCK_BYTES, size))
            return own.how

    with ThreadPoolExecutor(THREADS) as threads:
        futures = [threads.submit(read_blocks) for _ in range(THREADS)]
    ways = {future.result() for future in futures}
    return "direct" if ways == {"direct"} else "buffered"


def load(path: str) -> Model:
    with Source(path, direct=True) as source:
        memory = memoryview(allocate(source.room))
        how = read_by_threads(source, memory)
        return Model(memory[: source.bytes], how)


if __name__ == "__main__":
    main(load)
