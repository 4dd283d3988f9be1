"""From which compressed size on a page is stored whole: zsmalloc's huge_class_size.

It follows from how many pages a zspage may have: 4 before Linux 6.3, and 8 by default since then
(CONFIG_ZSMALLOC_CHAIN_SIZE). Probed with zram on Linux 6.1 (3257) and 6.18 (3625).

Source: mm/zsmalloc.c, zs_create_pool, on machines of 64 bits.
"""

from loadstone.model import Noun

_CHAINS = ((4, "before Linux 6.3"), (8, "since Linux 6.3"))
_SMALLEST_CLASS_BYTES = 32
_CLASSES_OF_A_PAGE = 256
_HANDLE_BYTES = 8


class Threshold(Noun, frozen=True, kw_only=True):
    """A compressed size in bytes, and the kernels that have it."""

    bytes: int
    kernels: str


def thresholds_of(page_bytes: int) -> tuple[Threshold, ...]:
    """Those that kernels with such pages have, the smaller first."""
    return tuple(
        Threshold(bytes=_huge_class_bytes(page_bytes, chain), kernels=kernels)
        for chain, kernels in _CHAINS
    )


def _huge_class_bytes(page_bytes: int, chain: int) -> int:
    """Below the largest class of which one more than the pages fit into a zspage."""
    step = page_bytes // _CLASSES_OF_A_PAGE
    most = chain * page_bytes // (chain + 1)
    largest = _SMALLEST_CLASS_BYTES + (most - _SMALLEST_CLASS_BYTES) // step * step
    return largest - (_HANDLE_BYTES - 1)
