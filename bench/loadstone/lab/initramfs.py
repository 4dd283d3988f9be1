"""A guest's initramfs: busybox, the modules that mount its root, an init.

virtme-run has an initramfs and an init too. Those run udev and systemd-tmpfiles if this machine
has them, and wait for udev by the guest's clock.
"""

import gzip
import lzma
import os
import shlex
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from loadstone.errors import CannotMeasureError, system_words
from loadstone.model import Noun
from loadstone.programs import find_program, run_bytes

BUSYBOXES = ("busybox-static", "busybox.static", "busybox")
"""Names of a static busybox for the initramfs, in the order in which they are looked for."""

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
# Where a kernel has one built in, its modules.dep does not list it.
_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p")
_OVERLAY = "overlay"
# cache=loose: the root does not change while a guest runs, and without a cache every program that
# it starts would be read from the host again.
_NINE_P = "version=9p2000.L,trans=virtio,access=any,msize=512000,cache=loose,ro"
_DIRECTORIES = ("bin", "dev", "proc", "root", "modules")

# Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
_CPIO_MAGIC, _TRAILER = b"070701", "TRAILER!!!"
_DIRECTORY, _FILE, _LINK, _DEVICE = 0o040755, 0o100755, 0o120777, 0o020600
_CONSOLE = (5, 1)
_NONE: Mapping[str, Path] = {}


class InitConfig(Noun, frozen=True, kw_only=True):
    """Settings of one boot's init.

    Args:
        covered: directories of the root over each of which an empty file system is mounted.
        writable: a directory of the root that gets a writable overlay, or None.
    """

    covered: Sequence[str]
    writable: str | None = None


def write_initramfs(
    path: Path, modules: Path, config: InitConfig, own: Mapping[str, Path] = _NONE
) -> None:
    """Write an initramfs.

    Args:
        own: files of modules to take instead of the kernel's, by name.
        modules: the kernel's, as staged; without modules.dep if the kernel has none.

    Raises:
        CannotMeasureError: there is no busybox, or a module cannot be read or uncompressed.
    """
    wanted = [*_MODULES, *([_OVERLAY] if config.writable else [])]
    loaded = {
        _uncompressed_name(file): _uncompressed(own.get(_name(file.name), file))
        for file in _in_load_order(modules, wanted)
    }
    path.write_bytes(b"".join(_cpio(loaded, _boot_settings(config, loaded))))


def _boot_settings(config: InitConfig, modules: Iterable[str]) -> str:
    """The variables of boot.sh, which init.sh reads."""
    variables = {
        "nine_p": _NINE_P,
        "modules": " ".join(modules),
        "writable": config.writable or "",
        "covered": " ".join(config.covered),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _in_load_order(modules: Path, wanted: Sequence[str]) -> Iterator[Path]:
    """The files of modules and of their dependencies, each after those that it needs."""
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


def _uncompressed_name(file: Path) -> str:
    return f"{_name(file.name)}.ko"


def _uncompressed(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        words = system_words(error.errno or 0)
        raise CannotMeasureError(
            f"cannot read the module {file}: {words}",
            remedy="install or fetch the kernel again, readable by this user",
        ) from error
    try:
        match file.suffix:
            case ".xz":
                return lzma.decompress(data)
            case ".gz":
                return gzip.decompress(data)
            case ".zst":
                return _uncompressed_zstd(file)
    except (lzma.LZMAError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _damaged(file, str(error)) from error
    return data


def _uncompressed_zstd(file: Path) -> bytes:
    program = find_program("zstd")
    if program is None:
        raise CannotMeasureError(
            f"no program zstd here to uncompress {file}", remedy="install the Debian package zstd"
        )
    done = run_bytes([program, "-dc", file])
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().replace("\n", ", ")
        raise _damaged(file, reason or f"zstd ended with exit code {done.returncode}")
    return done.stdout


def _damaged(file: Path, reason: str) -> CannotMeasureError:
    return CannotMeasureError(
        f"cannot uncompress the module {file}: {reason}",
        remedy="install or fetch the kernel again",
    )


def _cpio(modules: Mapping[str, bytes], settings: str) -> Iterator[bytes]:
    scripts = Path(__file__).parent
    for name in _DIRECTORIES:
        yield _entry(name, _DIRECTORY)
    yield _entry("dev/console", _DEVICE, device=_CONSOLE)
    yield _entry("bin/busybox", _FILE, _busybox().read_bytes())
    for name in _APPLETS:
        yield _entry(f"bin/{name}", _LINK, b"busybox")
    for name, data in modules.items():
        yield _entry(f"modules/{name}", _FILE, data)
    yield _entry("boot.sh", _FILE, settings.encode())
    yield _entry("start.sh", _FILE, (scripts / "start.sh").read_bytes())
    yield _entry("init", _FILE, (scripts / "init.sh").read_bytes())
    yield _entry(_TRAILER, 0)


def _busybox() -> Path:
    found = next((path for name in BUSYBOXES if (path := find_program(name))), None)
    if found is None:
        raise CannotMeasureError(
            "no static busybox here, which a guest's init needs",
            remedy="install the Debian package busybox-static",
        )
    return found


def _entry(name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    """One file of a cpio archive in format newc, owned by root."""
    path = os.fsencode(name) + b"\0"
    # Inode, mode, uid, gid, links, mtime, size, device, rdevice, name's length, checksum.
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
    head = _CPIO_MAGIC + b"".join(b"%08X" % field for field in fields)
    return _padded(head + path) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
