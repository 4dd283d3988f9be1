"""Zram devices that a test makes as a user would, and what there is of them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

CONTROL = Path("/sys/class/zram-control")


def zrams() -> frozenset[str]:
    """Those that are there, each by name and size in bytes: ``zram0 0``."""
    return frozenset(_sized(path.name) for path in Path("/sys/block").glob("zram*"))


def zram_swaps() -> frozenset[str]:
    """Those of them that the kernel swaps on."""
    table = Path("/proc/swaps")
    lines = table.read_text().splitlines()[1:] if table.exists() else []
    names = (Path(line.split()[0]).name for line in lines)
    return frozenset(_sized(name) for name in names if name.startswith("zram"))


def _sized(name: str) -> str:
    try:
        return f"{name} {Path('/sys/block', name, 'disksize').read_text().strip()}"
    except OSError:
        # It went meanwhile.
        return name


@contextlib.contextmanager
def somebody_elses(size: str | None = None) -> Iterator[int]:
    """The number of a device of somebody else's, of a size or of none."""
    number = int((CONTROL / "hot_add").read_text())
    try:
        if size is not None:
            Path(f"/sys/block/zram{number}/disksize").write_text(size)
        yield number
    finally:
        (CONTROL / "hot_remove").write_text(str(number))
