"""From a distribution's packages to a kernel in the cache."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from loadstone.errors import CannotMeasureError
from loadstone.lab.apt import program_of
from loadstone.lab.cache import StockKernel, cache_directory, partial_directory, put_in_place


def unpack(packages: Sequence[Path], kernel: StockKernel) -> None:
    """Make the kernel's directory of its packages: whole, or not at all.

    Args:
        packages: the files, all of them of this kernel.

    Raises:
        CannotMeasureError: one cannot be unpacked, or the modules are not to depmod's liking.
        OSError: the cache cannot be written.
    """
    with partial_directory(kernel.suite, kernel.architecture) as partial:
        root = partial / "root"
        for package in packages:
            _carry_out("dpkg-deb", "--extract", str(package), str(root))
        _lay_out(root, kernel.release, partial)
        shutil.rmtree(root)
        _carry_out("depmod", "-b", str(partial), kernel.release)
        put_in_place(partial, kernel)


def _lay_out(root: Path, release: str, place: Path) -> None:
    """Both layouts that Debian had, everything in /usr/lib/modules or not, become one."""
    modules = place / "lib" / "modules" / release
    modules.parent.mkdir(parents=True)
    (place / "boot").mkdir()
    _first(root, f"usr/lib/modules/{release}", f"lib/modules/{release}").rename(modules)
    for name in ("vmlinuz", "config"):
        # Modules moved already: what lay among them is there now.
        found = _first(place, f"lib/modules/{release}/{name}", f"root/boot/{name}-{release}")
        found.rename(place / "boot" / f"{name}-{release}")
    # They lead to headers that are not here.
    for name in ("build", "source"):
        (modules / name).unlink(missing_ok=True)


def _first(place: Path, *names: str) -> Path:
    for name in names:
        if (place / name).exists():
            return place / name
    raise CannotMeasureError(
        f"the packages have no {' nor '.join(names)}: a layout that this loadstone does not know",
        remedy="take a newer loadstone, or unpack them and name vmlinuz:MODULES_DIR",
    )


def _carry_out(program: str, *words: str) -> None:
    done = subprocess.run(
        [program_of(program), *words], capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        told = "; ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
        raise CannotMeasureError(
            f"{program} could not finish in {cache_directory()}: {told or done.returncode}",
            remedy="fix that, then fetch again",
        )
