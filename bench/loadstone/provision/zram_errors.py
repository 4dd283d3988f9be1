"""Why there is no zram device, or no swap on it: what the core's error means, and what to do."""

import errno
from collections.abc import Sequence

from loadstone.core.explain import describe
from loadstone.errors import CannotMeasureError, as_root
from loadstone.model import CoreError, Noun
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

_REFUSED = {errno.EACCES, errno.EPERM}
_LESS = "free memory, or take less"


class ZramRequest(Noun, frozen=True, kw_only=True):
    """What a device is to be; see ``zram_device``."""

    algorithm: str | None
    level: int
    size_bytes: int


def is_without_zram(error: CoreError) -> bool:
    """Whether the kernel has no zram, or it is a module that is not loaded."""
    return error.step == "open zram control" and error.code == errno.ENOENT


def is_unknown_algorithm(error: CoreError) -> bool:
    """Whether the kernel has no algorithm of the name."""
    return error.step == "set algorithm" and error.code == errno.EINVAL


def explain_zram(error: CoreError) -> CannotMeasureError:
    """Why no zram device can be made at all, from the core's operation ``zram-device``."""
    words = describe(error)
    if error.code in _REFUSED:
        return CannotMeasureError(f"a zram device is root's to make: {words}", remedy=as_root())
    if error.code == errno.EROFS:
        return CannotMeasureError(
            f"sysfs is read-only here: {words}",
            remedy="mount it writable (docker run --privileged), or leave the container",
        )
    if error.code == errno.ENOENT:
        return CannotMeasureError(
            f"no zram here: {words}",
            remedy="as root: modprobe zram num_devices=0, on a kernel with CONFIG_ZRAM",
        )
    return CannotMeasureError(f"no zram device: {words}", remedy="see dmesg for its reason")


def explain_algorithm(
    error: CoreError, request: ZramRequest, there: Sequence[str]
) -> CannotMeasureError:
    """That the kernel has others: ``there``."""
    name = printable(request.algorithm or "")
    return CannotMeasureError(
        f"zram has no algorithm {name} here: {describe(error)}",
        remedy=f"name one of {', '.join(there)}",
    )


def explain_making(error: CoreError, request: ZramRequest) -> CannotMeasureError:
    """Why a device could not be made as it was asked for."""
    words = describe(error)
    if error.code == errno.ENOMEM:
        size = format_bytes_rounded(request.size_bytes)
        return CannotMeasureError(f"no memory for a zram device of {size}: {words}", remedy=_LESS)
    if error.step == "set level" and error.code == errno.ENOENT:
        return CannotMeasureError(
            f"this kernel's zram takes no levels: {words}",
            remedy="take level 0, or a kernel of 6.12 or later",
        )
    # That an algorithm has no such level may show only when the device is finished.
    if error.step == "set level" or (error.step == "set size" and request.level):
        return CannotMeasureError(
            f"{printable(request.algorithm or '')} has no level {request.level} here: {words}",
            remedy="take level 0, or another one",
        )
    if error.step == "mknod":
        return CannotMeasureError(
            f"nothing makes the node of a zram device: {words}",
            remedy="mount devtmpfs on /dev, or start udev",
        )
    return explain_zram(error)


def explain_swap(error: CoreError) -> CannotMeasureError:
    """Why the kernel does not swap on a device."""
    words = describe(error)
    if error.code in _REFUSED:
        return CannotMeasureError(f"swap is root's to change: {words}", remedy=as_root())
    if error.code == errno.ENOSYS:
        return CannotMeasureError(
            f"this kernel cannot swap: {words}", remedy="take one with CONFIG_SWAP"
        )
    if error.code == errno.ENOMEM:
        return CannotMeasureError(f"no memory for a swap area: {words}", remedy=_LESS)
    return CannotMeasureError(f"no swap on zram: {words}", remedy="see dmesg for its reason")
