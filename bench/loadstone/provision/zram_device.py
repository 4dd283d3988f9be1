"""Zram devices of our own, and swap on them: made for a Run, and gone at the end.

A zram device has no name that could say whose it is. It is known by its number, which the kernel
takes in order and which is written down before, and by its size: what is asked for and a random
number of pages more, so that hardly another device has the same.

Source: Linux's Documentation/admin-guide/blockdev/zram.rst, drivers/block/zram/zram_drv.c.
"""

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator

from loadstone.core.explain import describe
from loadstone.errors import CannotMeasureError, as_root
from loadstone.model import CoreError, Job, Noun, Outcome
from loadstone.programs import load_module
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.provision.removers import BOOT_ID, ZRAM, ZRAM_SWAP
from loadstone.targets import Target
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

SWAP_PRIORITY = 100
"""Above all that the kernel gives by itself, which is below zero."""

_MORE_PAGES = 4096
_TRIES = 50
_REFUSED = {errno.EACCES, errno.EPERM}
_NOT_LEVELLED = {"lzo", "lzo-rle", "842"}
_OPEN_CONTROL = "open zram control"
_RACED = "zram number"
_ALGORITHM = "set algorithm"
_LEVEL = "set level"
_SIZE = "set size"
_NO_SPACE = "free memory, or take less"


class ZramDevice(Noun, frozen=True, kw_only=True):
    """A zram device that is there; ``size_bytes`` is its own, at least what was asked for."""

    path: str
    number: int
    size_bytes: int
    algorithm: str

    @property
    def name(self) -> str:
        """As the kernel has it."""
        return f"zram{self.number}"

    @property
    def directory(self) -> str:
        """Of its attributes in sysfs."""
        return f"/sys/block/{self.name}"

    @property
    def mm_stat(self) -> str:
        """The file of what it holds and takes."""
        return f"{self.directory}/mm_stat"


class _Request(Noun, frozen=True, kw_only=True):
    """What a device is to be."""

    algorithm: str | None
    level: int
    size_bytes: int


@contextlib.contextmanager
def zram_device(
    target: Target, journal: Journal, *, algorithm: str | None, level: int, size_bytes: int
) -> Iterator[ZramDevice]:
    """Make a device; at the end it is gone with all that is on it.

    Args:
        algorithm: by the kernel's name; None: the one that a device has by itself.
        level: of the algorithm, 0: its own. What it means is the algorithm's: for lz4 it is the
            acceleration.
        size_bytes: the least that it is to hold, before compression.

    Raises:
        CannotMeasureError: no such device can be made here.
        RunError: the journal cannot be written, or at the end the device stays in use.
    """
    if level and algorithm is None:
        algorithm = zram_algorithms(target, journal)[0]
    if level and algorithm in _NOT_LEVELLED:
        raise CannotMeasureError(
            f"{algorithm} has no levels, so none can be {level}", remedy="take level 0"
        )
    request = _Request(algorithm=algorithm, level=level, size_bytes=size_bytes)
    boot = _boot_id(target)
    for _ in range(_TRIES):
        number, token = _next_device(target, size_bytes)
        with journal.registered(ZRAM, f"zram{number}", f"{token} {boot}") as entry:
            outcome = _make(target, request, number, token)
            if outcome.error and outcome.error.step == _RACED:
                # Whoever has that number made it.
                entry.remove()
                continue
            if outcome.error:
                raise _refusal(target, journal, request, outcome.error)
            yield ZramDevice(
                path="".join(outcome.before.values()),
                number=number,
                size_bytes=token,
                algorithm=_algorithms(target, number)[0],
            )
            return
    raise CannotMeasureError(
        f"no zram device: somebody else was faster {_TRIES} times",
        remedy="end what makes zram devices all the time",
    )


def zram_algorithms(target: Target, journal: Journal) -> tuple[str, ...]:
    """What a device of ours can compress by; first the one that it has by itself.

    Raises:
        CannotMeasureError: no device can be made here.
    """
    with zram_device(target, journal, algorithm=None, level=0, size_bytes=1) as device:
        return _algorithms(target, device.number)


@contextlib.contextmanager
def zram_swap(
    target: Target, journal: Journal, device: ZramDevice, *, priority: int = SWAP_PRIORITY
) -> Iterator[None]:
    """Have the kernel swap on a device of ours, which is written over.

    Any process of the machine may be swapped out meanwhile; at the end all of it is read back.

    Args:
        priority: 0 to 32767. The kernel fills the area of the highest first.

    Raises:
        CannotMeasureError: the kernel refuses.
        RunError: the journal cannot be written, or at the end memory is too short for what is
            swapped out.
    """
    with journal.registered(ZRAM_SWAP, device.name, f"{device.size_bytes} {_boot_id(target)}"):
        options = {
            "action": "on",
            "number": str(device.number),
            "bytes": str(device.size_bytes),
            "priority": str(priority),
        }
        outcome = execute(target, Job(operation="zram-swap", options=options))
        if outcome.error:
            raise _swap_refusal(outcome.error)
        yield


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


def _boot_id(target: Target) -> str:
    text = target.read_text(BOOT_ID)
    if text is None:
        raise CannotMeasureError(
            f"{BOOT_ID} cannot be read, so that nobody could tell later whose a zram device is",
            remedy="mount procfs on /proc",
        )
    return text.strip()


def _next_device(target: Target, size_bytes: int) -> tuple[int, int]:
    """The number that the next device will have, and the size by which it will be known."""
    outcome = _inspect(target)
    if outcome.error and _is_without_module(outcome.error) and target.is_this_machine:
        _load_module(outcome.error)
        outcome = _inspect(target)
    if outcome.error:
        raise explain_zram(outcome.error)
    page_bytes = outcome.values["page_bytes"]
    pages = -(-size_bytes // page_bytes) + secrets.randbelow(_MORE_PAGES)
    # An odd number of pages is no size that anybody would choose.
    return outcome.values["number"], (pages | 1) * page_bytes


def _inspect(target: Target) -> Outcome:
    return execute(target, Job(operation="zram-device", options={"action": "inspect"}))


def _is_without_module(error: CoreError) -> bool:
    return error.step == _OPEN_CONTROL and error.code == errno.ENOENT


def _load_module(error: CoreError) -> None:
    if os.geteuid():
        raise CannotMeasureError(
            f"a zram device is root's to make, and its module root's to load: {describe(error)}",
            remedy="run as root",
        )
    try:
        # By itself it would make a device, which would be nobody's.
        load_module("zram", "num_devices=0")
    except CannotMeasureError as refusal:
        raise CannotMeasureError(
            f"this kernel has no zram (CONFIG_ZRAM): {describe(error)}, and {refusal.what}",
            remedy=f"{refusal.remedy}; `loadstone lab run` boots a kernel that has it",
        ) from None


def _make(target: Target, request: _Request, number: int, token: int) -> Outcome:
    options = {
        "action": "make",
        "number": str(number),
        "bytes": str(token),
        "algorithm": request.algorithm or "",
        "level": str(request.level),
    }
    job = Job(operation="zram-device", options=options, samples=(f"/dev/zram{number}",))
    return execute(target, job)


def _algorithms(target: Target, number: int) -> tuple[str, ...]:
    """Those of a device that is there, the current one first: the kernel has that in brackets."""
    path = f"/sys/block/zram{number}/comp_algorithm"
    text = target.read_text(path) or ""
    current = re.search(r"\[(\S+)\]", text)
    if current is None:
        raise CannotMeasureError(
            f"{path}: it names no current algorithm: {printable(text.strip())}",
            remedy="see what else works on zram devices here",
        )
    others = (word for word in text.split() if not word.startswith("["))
    return (current[1], *others)


def _refusal(
    target: Target, journal: Journal, request: _Request, error: CoreError
) -> CannotMeasureError:
    words = describe(error)
    algorithm = printable(request.algorithm or "")
    size = format_bytes_rounded(request.size_bytes)
    if error.step == _ALGORITHM and error.code == errno.EINVAL:
        there = ", ".join(zram_algorithms(target, journal))
        return CannotMeasureError(
            f"zram has no algorithm {algorithm} here: {words}", remedy=f"name one of {there}"
        )
    if error.step == _LEVEL and error.code == errno.ENOENT:
        return CannotMeasureError(
            f"this kernel's zram takes no levels: {words}",
            remedy="take level 0, or a kernel of 6.12 or later",
        )
    if error.step == _LEVEL or (
        error.step == _SIZE and request.level and error.code != errno.ENOMEM
    ):
        return CannotMeasureError(
            f"{algorithm} has no level {request.level} here: {words}",
            remedy="take level 0, or another one",
        )
    if error.code == errno.ENOMEM:
        return CannotMeasureError(
            f"no memory for a zram device of {size}: {words}", remedy=_NO_SPACE
        )
    if error.step == _SIZE:
        return CannotMeasureError(
            f"zram refuses the size {size}: {words}", remedy="take another size"
        )
    if error.step == "mknod":
        return CannotMeasureError(
            f"nothing makes the node of a zram device: {words}",
            remedy="mount devtmpfs on /dev, or start udev",
        )
    return explain_zram(error)


def _swap_refusal(error: CoreError) -> CannotMeasureError:
    words = describe(error)
    if error.code in _REFUSED:
        return CannotMeasureError(f"swap is root's to change: {words}", remedy=as_root())
    if error.code == errno.ENOSYS:
        return CannotMeasureError(
            f"this kernel cannot swap: {words}", remedy="take one with CONFIG_SWAP"
        )
    if error.code == errno.ENOMEM:
        return CannotMeasureError(f"no memory for a swap area: {words}", remedy=_NO_SPACE)
    return CannotMeasureError(f"no swap on zram: {words}", remedy="see dmesg for its reason")
