"""Any recipe of C as a library: gcc -shared -fPIC -O2 -o thp.so thp.c && from_c.py thp.so FILE"""

import ctypes
import os
import sys
from pathlib import Path

from recipe import Model, failure, main


class CModel(ctypes.Structure):
    """``struct model`` of recipe.h."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_size_t),
        ("map", ctypes.c_void_p),
        ("map_bytes", ctypes.c_size_t),
        ("dmabuf", ctypes.c_int),
        ("how", ctypes.c_char_p),
        ("step", ctypes.c_char_p),
        ("remedy", ctypes.c_char_p),
    )


def load_by(library: ctypes.CDLL, path: str) -> Model:
    """No byte is copied, and Python's lock is not held. The memory stays until the process ends."""
    found = CModel(dmabuf=-1)
    error = library.load(os.fsencode(path), ctypes.byref(found))
    if error:
        refusal = OSError(-error, os.strerror(-error))
        raise failure(refusal, found.step.decode(), (found.remedy or b"").decode())
    array = (ctypes.c_ubyte * found.bytes).from_address(found.data)
    return Model(memoryview(array).cast("B"), found.how.decode(), found.dmabuf)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: from_c.py LIBRARY FILE [COPY]")
    loaded = ctypes.CDLL(str(Path(sys.argv.pop(1)).resolve()))
    main(lambda path: load_by(loaded, path))
