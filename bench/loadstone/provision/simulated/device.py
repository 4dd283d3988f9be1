"""A simulated device: a null_blk made through configfs, or, in a guest, the host's disk.

Source: Documentation/block/null_blk.rst, drivers/block/null_blk/main.c.
"""

import contextlib
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from loadstone.core import native
from loadstone.errors import CannotMeasureError, as_root, system_words
from loadstone.programs import load_module, run_program
from loadstone.provision.removers import CONFIGFS, remove_null_blk
from loadstone.provision.simulated.profile import MIB, NULL_BLK_PARAMETERS, Driver, Profile

NAME = "loadstone"
"""Of a guest's null_blk device, and the serial number of the host's disk."""

_BLOCK = Path("/sys/block")
_DEV = Path("/dev")
# What a kernel does whose null_blk lacks the attribute, where that isn't 0.
_ABSENT_MEANS = {"fua": 1}
_LIMIT_S = 10.0


@contextlib.contextmanager
def simulated_device(profile: Profile, size_bytes: int, name: str = NAME) -> Iterator[str]:
    """Set up the device of a profile; it is gone at the end.

    Args:
        size_bytes: what it holds, in whole MiB; a null_blk takes as much memory as is written.
        name: of the null_blk's directory in configfs.

    Yields:
        Its path, such as ``/dev/loadstone``.

    Raises:
        CannotMeasureError: this kernel can't make it; names what it refuses, and its words.
    """
    match profile.driver:
        case Driver.NULL_BLK:
            with _null_blk(profile, size_bytes, name) as disk:
                yield _ready(profile, disk)
        case Driver.VIRTIO_BLK:
            yield _ready(profile, _host_disk())


@contextlib.contextmanager
def _null_blk(profile: Profile, size_bytes: int, name: str) -> Iterator[str]:
    """A null_blk, powered; yields its name below ``/sys/block``."""
    load_module("null_blk", "nr_devices=0")
    directory = _configfs() / "nullb" / name
    try:
        directory.mkdir()
    except OSError as error:
        raise CannotMeasureError(
            f"make {directory}: {system_words(error.errno or 0)}",
            remedy="where one is left over, write 0 to its `power` and remove its directory",
        ) from error
    try:
        # null_blk takes no change of a parameter once it has power.
        _write(directory / "size", str(size_bytes // MIB))
        for parameter in NULL_BLK_PARAMETERS:
            _set(profile, directory, parameter)
        _power_on(profile, directory)
        for parameter in NULL_BLK_PARAMETERS:
            _check_taken(profile, directory, parameter)
        yield _disk_name(directory)
    finally:
        remove_null_blk(native.run_job, directory.name)


def _configfs() -> Path:
    """Where configfs is mounted; mounts it where nobody did."""
    if not (CONFIGFS / "nullb").exists():
        refusal = run_program("mount", "mount", "-t", "configfs", "configfs", str(CONFIGFS))
        if refusal is not None:
            raise CannotMeasureError(
                f"mount configfs at {CONFIGFS}: {refusal}",
                remedy=f"{as_root()}, on a kernel with CONFIG_CONFIGFS_FS",
            )
    return CONFIGFS


def _set(profile: Profile, directory: Path, parameter: str) -> None:
    value = getattr(profile, parameter)
    if value is None:
        return
    attribute = directory / parameter
    if attribute.exists():
        _write(attribute, str(int(value)))
    elif value != _ABSENT_MEANS.get(parameter, 0):
        raise CannotMeasureError(
            f"storage {profile.name}: {parameter} = {int(value)}: the null_blk of this kernel has "
            "no such parameter",
            remedy=f"take a later kernel, or delete {parameter} from the profile",
        )


def _power_on(profile: Profile, directory: Path) -> None:
    try:
        (directory / "power").write_text("1")
    except OSError as error:
        raise CannotMeasureError(
            f"storage {profile.name}: null_blk makes no such device: "
            f"{system_words(error.errno or 0)}",
            remedy="see dmesg for the parameter that it refuses, else give the guest more --memory",
        ) from error


def _check_taken(profile: Profile, directory: Path, parameter: str) -> None:
    """null_blk changes a value that it cannot have without a word when it gets power."""
    value, attribute = getattr(profile, parameter), directory / parameter
    if value is None or not attribute.exists():
        return
    took = attribute.read_text().strip()
    if took != str(int(value)):
        raise CannotMeasureError(
            f"storage {profile.name}: {parameter} = {int(value)}: the null_blk of this kernel made "
            f"{took} of it",
            remedy="write that, or what it can do",
        )


def _disk_name(directory: Path) -> str:
    """Later kernels call the disk after its directory, earlier ones number it."""
    names = [directory.name]
    with contextlib.suppress(FileNotFoundError):
        names.append(f"nullb{(directory / 'index').read_text().strip()}")
    for name in names:
        if (_BLOCK / name).exists():
            return name
    raise CannotMeasureError(
        f"{directory} has power, but there is no disk {directory.name} in {_BLOCK}",
        remedy="see dmesg for why",
    )


def _host_disk() -> str:
    """The disk that the host handed in, found by its serial number."""
    load_module("virtio_blk")
    until = time.monotonic() + _LIMIT_S
    while True:
        for serial in sorted(_BLOCK.glob("*/serial")):
            if serial.read_text().strip() == NAME:
                return serial.parent.name
        if time.monotonic() > until:
            raise CannotMeasureError(
                f"no virtio-blk disk with the serial number {NAME} in {_BLOCK}",
                remedy=f"give QEMU -device virtio-blk-pci,serial={NAME},drive=…",
            )
        time.sleep(0.05)


def _ready(profile: Profile, disk: str) -> str:
    """Wait for the node, which no udev makes here, and set the queue as the profile has it."""
    node = _DEV / disk
    until = time.monotonic() + _LIMIT_S
    while not (node.exists() and stat.S_ISBLK(node.stat().st_mode)):
        if time.monotonic() > until:
            raise CannotMeasureError(
                f"{node}: no block device appeared", remedy="mount devtmpfs on /dev"
            )
        time.sleep(0.01)
    queue = _BLOCK / disk / "queue"
    # The scheduler comes first: it brings an nr_requests of its own.
    for tunable in ("scheduler", "nr_requests", "read_ahead_kb"):
        value = getattr(profile, tunable)
        if value is not None:
            _write(queue / tunable, str(value))
    return str(node)


def _write(attribute: Path, value: str) -> None:
    try:
        attribute.write_text(value)
    except OSError as error:
        raise CannotMeasureError(
            f"write {value} to {attribute}: {system_words(error.errno or 0)}",
            remedy=f"change {attribute.name} in the storage profile",
        ) from error
