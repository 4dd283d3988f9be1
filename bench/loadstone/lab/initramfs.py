"""What a guest's kernel starts with: busybox, the modules by which it reaches its root, an init.

virtme-run has an initramfs and an init too. Those go by udev and systemd-tmpfiles where this
machine has them, and wait for udev by the guest's clock.
"""

import gzip
import lzma
import os
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from loadstone.errors import CannotMeasureError, system_words
from loadstone.model import Noun
from loadstone.programs import find_program

BUSYBOXES = ("busybox-static", "busybox.static", "busybox")
"""By these names, in this order, the static one is looked for that goes into an initramfs."""

_APPLETS = (
    "sh",
    "mount",
    "mkdir",
    "insmod",
    "ln",
    "cp",
    "grep",
    "sleep",
    "env",
    "ifconfig",
    "switch_root",
)
# Of the kernels that have these built in, modules.dep has none of the name.
_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p")
_OVERLAY = "overlay"
# Pages and names are kept once read: the root does not change below a guest, and every program
# that it starts would ask the host again.
_NINE_P = "version=9p2000.L,trans=virtio,access=any,msize=512000,cache=loose,ro"
_DIRECTORIES = ("bin", "dev", "proc", "root", "modules")

# Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
_CPIO_MAGIC, _TRAILER = b"070701", "TRAILER!!!"
_DIRECTORY, _FILE, _LINK, _DEVICE = 0o040755, 0o100755, 0o120777, 0o020600
_CONSOLE = (5, 1)


class Boot(Noun, frozen=True, kw_only=True):
    """What one boot's init is told.

    Args:
        covered: directories of the root, relative to it, that get an empty file system each.
        writable: a directory of the root in which the guest has to make others, or none.
    """

    covered: Sequence[str]
    writable: str | None = None


def write_initramfs(path: Path, modules: Path, boot: Boot) -> None:
    """Write an initramfs.

    Args:
        modules: the kernel's, as staged; a directory without modules.dep for a kernel without any.

    Raises:
        CannotMeasureError: there is no busybox, or a module cannot be read.
    """
    wanted = [*_MODULES, *([_OVERLAY] if boot.writable else [])]
    loaded = {_plain(file): _unpacked(file) for file in _in_order(modules, wanted)}
    path.write_bytes(b"".join(_cpio(loaded, _told(boot, loaded))))


def _told(boot: Boot, modules: Iterable[str]) -> str:
    """What init.sh reads of its boot."""
    words = {
        "nine_p": _NINE_P,
        "modules": " ".join(modules),
        "writable": boot.writable or "",
        "covered": " ".join(boot.covered),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in words.items())


def _in_order(modules: Path, wanted: Sequence[str]) -> Iterator[Path]:
    """The files of modules and of what they depend on, each behind those that it needs."""
    try:
        lines = (modules / "modules.dep").read_text().splitlines()
    except FileNotFoundError:
        return
    needs = {}
    for line in lines:
        file, _, others = line.partition(":")
        needs[_name(file)] = [*reversed(others.split()), file]
    for file in dict.fromkeys(file for name in wanted for file in needs.get(name, ())):
        yield modules / file


def _name(file: str) -> str:
    return Path(file).name.partition(".")[0].replace("-", "_")


def _plain(file: Path) -> str:
    return f"{_name(file.name)}.ko"


def _unpacked(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        words = system_words(error.errno or 0)
        raise CannotMeasureError(
            f"cannot read the module {file}: {words}",
            remedy="give yourself access to it, or fetch the kernel again",
        ) from error
    match file.suffix:
        case ".xz":
            return lzma.decompress(data)
        case ".gz":
            return gzip.decompress(data)
        case ".zst":
            return _without_zstd(file)
    return data


def _without_zstd(file: Path) -> bytes:
    program = find_program("zstd")
    if program is None:
        raise CannotMeasureError(
            f"no program zstd here to unpack {file}", remedy="install the Debian package zstd"
        )
    return subprocess.run([program, "-dc", file], capture_output=True, check=True).stdout


def _cpio(modules: Mapping[str, bytes], told: str) -> Iterator[bytes]:
    here = Path(__file__).parent
    for name in _DIRECTORIES:
        yield _entry(name, _DIRECTORY)
    yield _entry("dev/console", _DEVICE, device=_CONSOLE)
    yield _entry("bin/busybox", _FILE, _busybox().read_bytes())
    for name in _APPLETS:
        yield _entry(f"bin/{name}", _LINK, b"busybox")
    for name, data in modules.items():
        yield _entry(f"modules/{name}", _FILE, data)
    yield _entry("boot.sh", _FILE, told.encode())
    yield _entry("start.sh", _FILE, (here / "start.sh").read_bytes())
    yield _entry("init", _FILE, (here / "init.sh").read_bytes())
    yield _entry(_TRAILER, 0)


def _busybox() -> Path:
    found = next((path for name in BUSYBOXES if (path := find_program(name))), None)
    if found is None:
        raise CannotMeasureError(
            "no busybox here, of which a guest's init is made",
            remedy="install the Debian package busybox-static",
        )
    return found


def _entry(name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    """One file of a cpio archive of the sort newc; all are root's."""
    path = os.fsencode(name) + b"\0"
    # Inode, mode, uid, gid, links, mtime, size, device, rdevice, name's length, checksum.
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
    head = _CPIO_MAGIC + b"".join(b"%08X" % field for field in fields)
    return _padded(head + path) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
