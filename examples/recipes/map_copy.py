"""Map the file and copy out of the mapping: what many loaders do."""

from map import map_file, populate
from recipe import BLOCK_BYTES, Model, Source, allocate, main


def load(path: str) -> Model:
    with Source(path) as source:
        memory = memoryview(allocate(source.room))
        with map_file(source) as mapping, memoryview(mapping) as view:
            for start in range(0, source.bytes, BLOCK_BYTES):
                end = min(start + BLOCK_BYTES, source.bytes)
                # Else a copy, whose order nobody promises, would meet pages that are not there.
                populate(mapping, start, end - start)
                memory[start:end] = view[start:end]
        return Model(memory[: source.bytes], "mapped and copied")


if __name__ == "__main__":
    main(load)
