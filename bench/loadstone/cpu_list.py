"""Lists of CPUs as the kernel writes them: ``0-3,6``."""

import re
from collections.abc import Iterable
from itertools import pairwise

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_MOST_CPUS = 8192


def parse_cpu_list(text: str) -> frozenset[int]:
    """Read a list as the kernel writes it: ``0-3,6``; an empty one is empty.

    Raises:
        ValueError: it is none.
    """
    numbers: set[int] = set()
    for part in text.strip().split(",") if text.strip() else ():
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < _MOST_CPUS:
            raise ValueError(f"{text.strip()!r} is no list of CPUs")
        numbers.update(range(first, last + 1))
    return frozenset(numbers)


def format_cpu_list(numbers: Iterable[int]) -> str:
    """Write a list as the kernel does: ``0-3,6``."""
    ordered = sorted(set(numbers))
    breaks = [later for sooner, later in pairwise(ordered) if later != sooner + 1]
    starts = [*ordered[:1], *breaks]
    ends = [ordered[ordered.index(start) - 1] for start in breaks] + ordered[-1:]
    pairs = zip(starts, ends, strict=True)
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in pairs)
