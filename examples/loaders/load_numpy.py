"""Read a file into an array of numpy's.

loadstone run command --file MODEL --set command="python3 load_numpy.py {file}" --set ready=said
"""

import sys
from pathlib import Path


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: load_numpy.py FILE")
    try:
        import numpy
    except ModuleNotFoundError:
        sys.exit("load_numpy.py: this Python has no numpy: pip install numpy")
    print("loadstone: loading", flush=True)
    model = numpy.fromfile(sys.argv[1], dtype=numpy.uint8)
    if model.nbytes != Path(sys.argv[1]).stat().st_size:
        sys.exit(f"load_numpy.py: only {model.nbytes} bytes were read")
    print("loadstone: ready", flush=True)


if __name__ == "__main__":
    main()
