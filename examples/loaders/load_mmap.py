"""Map a file and touch each of its pages, by Python's standard library alone.

loadstone run command --file MODEL --set command="python3 load_mmap.py {file}" --set ready=said
"""

import mmap
import sys
from pathlib import Path

_LEAST_PAGE_BYTES = 4096


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: load_mmap.py FILE")
    print("loadstone: loading", flush=True)
    with (
        Path(sys.argv[1]).open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as model,
        memoryview(model) as view,
        view[::_LEAST_PAGE_BYTES] as pages,
    ):
        sum(pages)
        print("loadstone: ready", flush=True)


if __name__ == "__main__":
    main()
