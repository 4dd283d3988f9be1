"""Kernels to boot: finding those that ``--kernel`` names, and staging them for virtme-run."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from loadstone.errors import CannotMeasureError, UsageError, system_words
from loadstone.lab.apt import program_of
from loadstone.lab.cache import StockKernel, stock_kernels, this_architecture
from loadstone.lab.image import (
    is_build_tree,
    read_image,
    require_modules,
    require_tree_release,
    tree_image,
    tree_modules,
    tree_of,
)
from loadstone.lab.module_file import ModuleFile
from loadstone.lab.packages import SUITES
from loadstone.model import Noun
from loadstone.programs import run_to_end

NO_MODULES = "none"

_TREE_TABLES = ("modules.builtin", "modules.builtin.modinfo")


class OwnModule(Noun, frozen=True, kw_only=True):
    """A module of the user's own; ``sources`` is the SHA-256 of what it was built from, if any."""

    file: ModuleFile
    sources: str | None = None


class Kernel(Noun, frozen=True, kw_only=True):
    """A kernel that can be booted.

    ``name`` is the user's name for it, ``architecture`` uname's. ``modules`` is a directory with
    ``modules.dep``, a build tree, or None for a kernel with everything built in. ``suite``,
    ``package`` and ``version`` are those of a distribution's kernel. ``own`` are modules of the
    user's own, which its guests load before anything asks for the stock ones.
    """

    name: str
    release: str
    image: Path
    modules: Path | None
    architecture: str
    suite: str | None = None
    package: str | None = None
    version: str | None = None
    own: tuple[OwnModule, ...] = ()


def find_kernel(text: str, *, architecture: str | None = None) -> Kernel:
    """The kernel that ``--kernel`` names.

    Args:
        text: a suite or a release that was fetched, ``PATH/TO/vmlinuz[:MODULES_DIR]``, or a
            build tree. A path that could be a suite's name is written ``./NAME``; ``:none``
            stands for a kernel with everything built in.
        architecture: that of a fetched kernel or of a tree; this machine's by default.

    Raises:
        UsageError: there is no such kernel, or it could not be booted with its modules.
    """
    architecture = architecture or this_architecture()
    stock = stock_kernels(architecture)
    for kernel in stock:
        if text in (kernel.suite, kernel.release):
            return _of_stock(text, kernel)
    if os.sep not in text and (text in SUITES or not _splits(text)):
        raise _not_found(text, stock)
    return _own_kernel(text, architecture)


def stage(kernel: Kernel, directory: Path) -> Path:
    """Make the layout that virtme-run needs, of links; nothing is written elsewhere.

    Args:
        directory: an empty one, on a path that the guest sees too (not below /run, /dev/shm or
            /var/tmp, where it mounts file systems of its own).

    Returns:
        The path for ``--kimg``: ``directory/boot/vmlinuz-RELEASE``.

    Raises:
        CannotMeasureError: it cannot be made.
    """
    directory = directory.absolute()
    image = directory / "boot" / f"vmlinuz-{kernel.release}"
    modules = directory / "lib" / "modules" / kernel.release
    try:
        image.parent.mkdir(parents=True)
        # Even for a kernel without modules: virtme-run takes the nearest lib/modules above it.
        modules.parent.mkdir(parents=True)
        image.symlink_to(kernel.image.absolute())
        if kernel.modules is None:
            return image
        if is_build_tree(kernel.modules):
            _stage_tree(kernel, kernel.modules.absolute(), directory, modules)
        else:
            modules.symlink_to(kernel.modules.absolute())
    except OSError as error:
        words = system_words(error.errno or 0)
        raise CannotMeasureError(
            f"cannot stage {kernel.name} in {directory}: {words}",
            remedy="name another directory with TMPDIR",
        ) from error
    return image


def _stage_tree(kernel: Kernel, tree: Path, directory: Path, modules: Path) -> None:
    """What ``make modules_install`` does (Source: Linux, scripts/Makefile.modinst), by links."""
    names = [Path("kernel") / name for name in tree_modules(tree)]
    for name in names:
        link = modules / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(tree / name.relative_to("kernel"))
    modules.mkdir(exist_ok=True)
    (modules / "modules.order").write_text("".join(f"{name}\n" for name in names))
    for table in _TREE_TABLES:
        if (tree / table).exists():
            (modules / table).symlink_to(tree / table)
    done = run_to_end([program_of("depmod"), "-b", str(directory), kernel.release])
    if done.returncode != 0:
        reason = done.stderr.strip().replace("\n", ", ") or f"exit code {done.returncode}"
        raise CannotMeasureError(
            f"depmod failed on the modules of {tree}: {reason}",
            remedy=f"build them again: make -C {shlex.quote(str(tree))} modules",
        )


def _of_stock(name: str, kernel: StockKernel) -> Kernel:
    return Kernel(
        name=name,
        release=kernel.release,
        image=kernel.image,
        modules=kernel.modules,
        architecture=kernel.architecture,
        suite=kernel.suite,
        package=kernel.package,
        version=kernel.version,
    )


def _not_found(text: str, stock: list[StockKernel]) -> UsageError:
    if text in SUITES:
        return UsageError(
            f"--kernel {text}: not fetched yet",
            remedy=f"fetch it: loadstone lab kernels fetch {text}",
        )
    fetched = ", ".join(
        dict.fromkeys(name for kernel in stock for name in (kernel.suite, kernel.release))
    )
    return UsageError(
        f"--kernel {text}: no such file, and no fetched kernel has that name "
        f"(fetched: {fetched or 'none'})",
        remedy=f"loadstone lab kernels fetch gets {', '.join(SUITES)}",
    )


def _own_kernel(text: str, architecture: str) -> Kernel:
    splits = _splits(text)
    if not splits:
        raise UsageError(f"--kernel {text}: no such file or directory", remedy="check the path")
    path, modules = splits[0]
    try:
        return _kernel_at(text, path, modules, architecture)
    except UsageError as error:
        raise error.within(f"--kernel {text}") from error


def _splits(text: str) -> list[tuple[Path, str | None]]:
    """Text split into image and modules, either of which may contain colons; the best first."""
    ends = [match.start() for match in re.finditer("(?<=.):", text)]
    splits = [(Path(text[:end]), text[end + 1 :]) for end in reversed(ends)]
    existing = [(path, modules) for path, modules in splits if os.path.lexists(path)]
    whole: list[tuple[Path, str | None]] = [(Path(text), None)] if os.path.lexists(text) else []
    good = [split for split in existing if split[1] == NO_MODULES or Path(split[1]).is_dir()]
    return [*whole, *good, *existing]


def _kernel_at(name: str, path: Path, modules: str | None, architecture: str) -> Kernel:
    path = path.absolute()
    tree = path if path.is_dir() else tree_of(path)
    image = tree_image(path, architecture) if path.is_dir() else path
    read = read_image(image)
    found: Path | None = None
    if modules == NO_MODULES:
        pass
    elif modules is not None:
        found = require_modules(Path(modules).absolute(), read.release)
    elif tree is not None:
        require_tree_release(tree, read)
        tree_modules(tree)
        found = tree
    else:
        found = require_modules(_installed_modules(image, read.release), read.release)
    return Kernel(
        name=name,
        release=read.release,
        image=image,
        modules=found,
        architecture=read.architecture,
    )


def _installed_modules(image: Path, release: str) -> Path:
    """The modules installed with an image in /boot or in /usr/lib/modules/RELEASE."""
    for directory in _module_directories(image, release):
        if directory.is_dir():
            return directory
    raise UsageError(
        f"no modules of {release} next to it nor in /lib/modules/{release}",
        remedy=f"name their directory: {image}:MODULES_DIR, or write {image}:none for a kernel "
        "with everything built in",
    )


def _module_directories(image: Path, release: str) -> Iterator[Path]:
    if image.parent.name == release:
        yield image.parent
    for root in (image.parent, image.parent.parent):
        yield root / "lib" / "modules" / release
        yield root / "usr" / "lib" / "modules" / release
    yield Path("/lib/modules") / release
