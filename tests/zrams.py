"""Zram devices that a test makes as a user would, and what there is of them."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadstone.programs import find_program

CONTROL = Path("/sys/class/zram-control")


def _has_zram() -> bool:
    modinfo = find_program("modinfo")
    words = [str(modinfo), "zram"]
    return CONTROL.exists() or (
        modinfo is not None
        and subprocess.run(words, capture_output=True, check=False).returncode == 0
    )


needs_zram = pytest.mark.skipif(
    not _has_zram(),
    reason="no zram in this kernel: tests/lab/test_inside.py runs some of this in one that has it",
)

# For tests beside others, which may look at what modules there are.
needs_loaded_zram = pytest.mark.skipif(
    not CONTROL.exists(), reason="no zram, or not loaded: as root, modprobe zram num_devices=0"
)


def hot_add() -> int:
    """Make a device of somebody else's, of no size yet, the module loaded; its number."""
    if not CONTROL.exists():
        subprocess.run(["modprobe", "zram", "num_devices=0"], check=True)
    return int((CONTROL / "hot_add").read_text())


def hot_remove(number: int) -> None:
    """Remove a device."""
    (CONTROL / "hot_remove").write_text(str(number))


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
    number = hot_add()
    try:
        if size is not None:
            Path(f"/sys/block/zram{number}/disksize").write_text(size)
        yield number
    finally:
        hot_remove(number)
