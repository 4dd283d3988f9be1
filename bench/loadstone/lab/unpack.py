"""Unpacks a distribution's packages into the cache."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from loadstone.errors import CannotMeasureError
from loadstone.lab.apt import program_of
from loadstone.lab.cache import (
    ABOUT,
    StockKernel,
    cache_directory,
    partial_directory,
    put_in_place,
)
from loadstone.programs import run_to_end


def unpack(packages: Sequence[Path], kernel: StockKernel) -> None:
    """Make the kernel's directory from its packages: completely, or not at all.

    Args:
        packages: the files of this kernel's packages.

    Raises:
        CannotMeasureError: one cannot be unpacked, or depmod fails on the modules.
        OSError: the cache cannot be written.
    """
    with partial_directory(kernel.directory.parent) as partial:
        root = partial / "root"
        extract(packages, root)
        _lay_out(root, kernel.release, partial)
        shutil.rmtree(root)
        _run("depmod", "-b", str(partial), kernel.release)
        put_in_place(partial, ABOUT, kernel, kernel.directory)


def extract(packages: Sequence[Path], root: Path) -> None:
    """Extract packages below a root, without their scripts.

    Raises:
        CannotMeasureError: one cannot be unpacked.
    """
    for package in packages:
        _run("dpkg-deb", "--extract", str(package), str(root))


def _lay_out(root: Path, release: str, place: Path) -> None:
    """Convert both of Debian's layouts, everything in /usr/lib/modules or not, into one."""
    modules = place / "lib" / "modules" / release
    modules.parent.mkdir(parents=True)
    (place / "boot").mkdir()
    _first_existing(root, f"usr/lib/modules/{release}", f"lib/modules/{release}").rename(modules)
    for name in ("vmlinuz", "config"):
        # With the modules moved, what was among them is there now.
        found = _first_existing(
            place, f"lib/modules/{release}/{name}", f"root/boot/{name}-{release}"
        )
        found.rename(place / "boot" / f"{name}-{release}")
    # Links to headers that were not fetched.
    for name in ("build", "source"):
        (modules / name).unlink(missing_ok=True)


def _first_existing(place: Path, *names: str) -> Path:
    for name in names:
        if (place / name).exists():
            return place / name
    raise CannotMeasureError(
        f"the packages have no {' nor '.join(names)}, a layout that this loadstone does not know",
        remedy="fetch another suite, or unpack them yourself and name --kernel PATH/TO/vmlinuz",
    )


def _run(program: str, *words: str) -> None:
    done = run_to_end([program_of(program), *words])
    if done.returncode != 0:
        reason = ", ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
        raise CannotMeasureError(
            f"{program} failed in {cache_directory()}: {reason or f'exit code {done.returncode}'}",
            remedy="fix that, then fetch again",
        )
