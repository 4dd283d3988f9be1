"""One read after another around the page cache, into anonymous memory."""

from recipe import Model, Source, allocate, main


def load(path: str) -> Model:
    with Source(path, direct=True) as source:
        memory = memoryview(allocate(source.room))
        source.read(memory)
        return Model(memory[: source.bytes], source.how)


if __name__ == "__main__":
    main(load)
