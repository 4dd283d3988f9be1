"""Huge pages, which reads fault in: with several threads one faults while others read."""

from pread_threads import read_by_threads
from recipe import Model, Source, main
from thp import allocate_huge


def load(path: str) -> Model:
    with Source(path, direct=True) as source:
        memory = allocate_huge(source.room)
        how = read_by_threads(source, memory)
        return Model(memory[: source.bytes], how)


if __name__ == "__main__":
    main(load)
