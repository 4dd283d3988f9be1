"""Whether there is memory for scipy, asked before it is imported.

Its OpenBLAS ends the process with exit code 1 where there is too little, or retries for ever.
"""

import contextlib
import mmap
from functools import cache

# What scipy takes when it is imported: memory to write to, and besides that addresses.
_WRITTEN_BYTES = 124 << 20
_MAPPED_BYTES = 112 << 20


@cache
def require_memory() -> None:
    """Try whether there is memory for scipy.

    Raises:
        OSError: there is too little.
    """
    with (
        contextlib.closing(mmap.mmap(-1, _WRITTEN_BYTES, flags=mmap.MAP_PRIVATE)),
        contextlib.closing(
            mmap.mmap(-1, _MAPPED_BYTES, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
        ),
    ):
        pass
