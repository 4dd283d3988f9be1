"""Reads kernel images, directories of modules and build trees, and checks that they match."""

import errno
import mmap
import os
import re
import shlex
import stat
from pathlib import Path

from loadstone.errors import UsageError, system_words
from loadstone.lab.apt import program_of
from loadstone.model import Noun
from loadstone.programs import run_to_end

TREE_IMAGES = {"x86_64": "arch/x86/boot/bzImage", "aarch64": "arch/arm64/boot/Image"}
"""Where a build puts the image, by uname's name of the architecture."""

_TREE_RELEASE = "include/config/kernel.release"

# Source: Linux, Documentation/arch/x86/boot.rst: header magic, and the pointer to the version.
_X86_MAGIC_AT, _X86_MAGIC = 0x202, b"HdrS"
_X86_VERSION_AT, _X86_SETUP_BYTES = 0x20E, 0x200

# Source: Linux, Documentation/arch/arm64/booting.rst: magic of an uncompressed Image.
_ARM64_MAGIC_AT, _ARM64_MAGIC = 0x38, b"ARM\x64"

_HEAD_BYTES = 0x20000

_NAME_IMAGE = "name a bzImage of x86 or an Image of arm64"
_OTHER_FORMATS = {
    b"\x7fELF": (
        "an ELF file, with which QEMU's loader takes no initramfs",
        "name arch/x86/boot/bzImage",
    ),
    b"\x1f\x8b": ("a gzip file", "unpack it first"),
}
"""Formats of other files by their magic: what it is, and the remedy."""


class Image(Noun, frozen=True, kw_only=True):
    """A kernel that can be booted: its release (``uname -r``) and machine (``uname -m``)."""

    release: str
    architecture: str


def read_image(path: Path) -> Image:
    """Read a bzImage of x86 or an Image of arm64.

    Raises:
        UsageError: it cannot be read, is neither, or has no valid release.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(
                f"{path} is no regular file", remedy="name a kernel image or a build tree"
            )
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if head[_X86_MAGIC_AT:][:4] == _X86_MAGIC:
                return Image(release=_x86_release(path, head), architecture="x86_64")
            if head[_ARM64_MAGIC_AT:][:4] == _ARM64_MAGIC:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    return Image(release=_banner_release(path, data), architecture="aarch64")
    except PermissionError as error:
        raise UsageError(
            f"cannot read {path}: {system_words(error.errno or 0)}",
            remedy=f"as root: chmod a+r {shlex.quote(str(path))}, or name a copy of it",
        ) from error
    except OSError as error:
        words = system_words(error.errno or 0)
        raise UsageError(f"cannot read {path}: {words}", remedy="check the path") from error
    for magic, (format, remedy) in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise UsageError(f"{path} is no kernel image but {format}", remedy=remedy)
    raise UsageError(f"{path} is no kernel image", remedy=_NAME_IMAGE)


def is_build_tree(path: Path) -> bool:
    """Whether a directory is a kernel's build tree."""
    return (path / _TREE_RELEASE).is_file()


def tree_of(image: Path) -> Path | None:
    """The build tree of an image that is where the build put it."""
    for name in TREE_IMAGES.values():
        tree = Path(str(image).removesuffix(name))
        if tree != image and is_build_tree(tree):
            return tree
    return None


def tree_image(tree: Path, architecture: str) -> Path:
    """The image in a build tree.

    Raises:
        UsageError: it is no build tree, or was not built completely.
    """
    name = TREE_IMAGES.get(architecture)
    if name is None:
        raise UsageError(
            f"{tree}: the lab boots no kernels for {architecture}",
            remedy=f"build one for {' or '.join(TREE_IMAGES)}",
        )
    if not is_build_tree(tree):
        raise UsageError(
            f"{tree} is a directory without {_TREE_RELEASE}",
            remedy="name a tree in which a kernel was built, or PATH/TO/vmlinuz:MODULES_DIR",
        )
    if not (tree / name).is_file():
        raise UsageError(f"{tree} has no {name}", remedy=f"build it: {_make(tree)} all")
    return tree / name


def tree_modules(tree: Path) -> list[Path]:
    """The modules of a build tree, below it.

    Raises:
        UsageError: they have not been built.
    """
    try:
        names = (tree / "modules.order").read_text().split()
    except OSError as error:
        raise UsageError(
            f"cannot read {tree}/modules.order: {system_words(error.errno or 0)}",
            remedy=f"build the modules: {_make(tree)} modules, or write {tree}:none for a kernel "
            "with everything built in",
        ) from error
    # Newer kernels list there the object files of which modules are linked.
    modules = [Path(name).with_suffix(".ko") for name in names]
    missing = next((name for name in modules if not (tree / name).is_file()), None)
    if missing is not None:
        raise UsageError(
            f"{tree} has no {missing}", remedy=f"build the modules: {_make(tree)} modules"
        )
    return modules


def require_tree_release(tree: Path, image: Image) -> None:
    """Refuse a tree whose image and modules are of different builds.

    Raises:
        UsageError: they are.
    """
    release = (tree / _TREE_RELEASE).read_text().strip()
    if release != image.release:
        raise UsageError(
            f"{tree} is half built: its image is {image.release}, its modules {release}",
            remedy=f"build it again: {_make(tree)} all",
        )
    if (tree / "modules.order").exists() and (modules := tree_modules(tree)):
        _require_vermagic(tree / modules[0], tree, image.release)


def require_modules(modules: Path, release: str) -> Path:
    """The directory of a kernel's modules.

    Args:
        modules: that directory, or a root with it below ``lib/modules``.

    Raises:
        UsageError: it cannot be read, is of another kernel, or has no ``modules.dep``.
    """
    below = modules / "lib" / "modules" / release
    modules = below if below.is_dir() else modules
    if not modules.is_dir():
        raise UsageError(f"{modules} is no directory of modules", remedy="check the path")
    if not os.access(modules, os.R_OK | os.X_OK):
        raise UsageError(
            f"cannot read {modules}: {system_words(errno.EACCES)}",
            remedy=f"as root: chmod -R a+rX {shlex.quote(str(modules))}",
        )
    if (first := _first_module(modules)) is not None:
        _require_vermagic(first, modules, release)
    elif modules.name != release:
        raise UsageError(
            f"{modules} has no modules of {release}",
            remedy="name the directory of that kernel's modules",
        )
    if not (modules / "modules.dep").is_file():
        raise UsageError(f"{modules} has no modules.dep", remedy=_depmod_remedy(modules, release))
    return modules


def _x86_release(path: Path, head: bytes) -> str:
    pointer = int.from_bytes(head[_X86_VERSION_AT:][:2], "little")
    text = head[pointer + _X86_SETUP_BYTES :].partition(b"\0")[0]
    return _release_word(path, text if pointer else b"")


def _banner_release(path: Path, data: mmap.mmap) -> str:
    """An arm64 Image has no field for it, but is not compressed: it contains ``linux_banner``."""
    match = re.search(rb"Linux version (\d[^ \0]{2,63}) \(", data)
    return _release_word(path, match[1] if match else b"")


def _release_word(path: Path, text: bytes) -> str:
    word = text[:256].decode("ascii", errors="replace").split(" ")[0]
    if not re.fullmatch(r"\d[\w.+~-]*", word, re.ASCII):
        raise UsageError(
            f"{path} has no valid release in it (damaged, or specially built)",
            remedy="copy or build it again",
        )
    return word


def _first_module(modules: Path) -> Path | None:
    for top, directories, names in os.walk(modules):
        directories.sort()
        for name in sorted(names):
            if re.search(r"\.ko(\.(gz|xz|zst))?$", name):
                return Path(top) / name
    return None


def _require_vermagic(module: Path, modules: Path, release: str) -> None:
    done = run_to_end([program_of("modinfo"), "-F", "vermagic", str(module)])
    found = done.stdout.split(" ")[0].strip()
    if done.returncode != 0 or not found:
        reason = done.stderr.strip().replace("\n", ", ") or "it has no vermagic"
        raise UsageError(
            f"{module} is no readable module: {reason}",
            remedy="install or build the modules again",
        )
    if found != release:
        raise UsageError(
            f"{modules} has modules of {found}, and the kernel is {release}",
            remedy="name the kernel and the modules of one build: PATH/TO/vmlinuz:MODULES_DIR",
        )


def _make(tree: Path) -> str:
    return f"make -C {shlex.quote(str(tree))}"


def _depmod_remedy(modules: Path, release: str) -> str:
    if modules.parts[-3:] == ("lib", "modules", release):
        return f"run depmod -b {shlex.quote(str(modules.parents[2]))} {release}"
    return f"lay it out as ROOT/lib/modules/{release} and run depmod -b ROOT {release}"
