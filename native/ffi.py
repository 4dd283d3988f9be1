"""Turns ``include/loadstone.h`` into the C source of the extension ``loadstone._native``.

Usage: ffi.py HEADER OUTPUT.c
"""

import sys
from pathlib import Path

from cffi import FFI


def main(header: Path, output: Path) -> None:
    lines = header.read_text().splitlines()
    builder = FFI()
    builder.cdef("\n".join(line for line in lines if not line.startswith("#")))
    builder.set_source("loadstone._native", '#include "loadstone.h"')
    builder.emit_c_code(str(output))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
