"""Zram devices of our own, and swap on them: made for a Run, and gone at the end.

A zram device has no name that could say whose it is. It is known by its number, which the kernel
takes in order and which is written down before, and by its size: what is asked for and a random
number of pages more, so that hardly another device has the same.

Source: Linux's Documentation/admin-guide/blockdev/zram.rst, drivers/block/zram/zram_drv.c.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import PurePosixPath

from loadstone.core.explain import describe
from loadstone.errors import CannotMeasureError
from loadstone.model import CoreError, Job, Noun, Outcome
from loadstone.programs import load_module
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.provision.removers import BOOT_ID, ZRAM, ZRAM_SWAP
from loadstone.provision.zram_errors import (
    ZramRequest,
    explain_algorithm,
    explain_making,
    explain_swap,
    explain_zram,
    is_unknown_algorithm,
    is_without_zram,
)
from loadstone.targets import Target
from loadstone.text import printable

SWAP_PRIORITY = 100
"""Above all that the kernel gives by itself, which is below zero."""

_MORE_PAGES = 4096
_TRIES = 50
_NOT_LEVELLED = {"lzo", "lzo-rle", "842"}
_RACED = "zram number"
_STAYS = "remove zram"


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
    request = ZramRequest(algorithm=algorithm, level=level, size_bytes=size_bytes)
    for _ in range(_TRIES):
        with contextlib.ExitStack() as stack:
            device = _make_next(target, journal, stack, request)
            if device is not None:
                yield device
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
            raise explain_swap(outcome.error)
        yield


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
    if outcome.error and is_without_zram(outcome.error) and target.is_this_machine:
        _load_module(outcome.error)
        outcome = _inspect(target)
    if outcome.error:
        raise explain_zram(outcome.error)
    page_bytes = outcome.values["page_bytes"]
    pages = -(-size_bytes // page_bytes) + secrets.randbelow(_MORE_PAGES)
    # An odd number of pages is no size that anybody would choose.
    return outcome.values["number"], (pages | 1) * page_bytes


def _make_next(
    target: Target, journal: Journal, stack: contextlib.ExitStack, request: ZramRequest
) -> ZramDevice | None:
    """Make the device that comes next; None where somebody else was faster."""
    number, token = _next_device(target, request.size_bytes)
    boot = _boot_id(target)
    entry = stack.enter_context(journal.registered(ZRAM, f"zram{number}", f"{token} {boot}"))
    outcome = _make(target, request, number, token)
    error = outcome.error
    if error and error.step in (_RACED, _STAYS):
        # Whoever has that number made it.
        entry.remove()
    if error and error.step == _RACED:
        return None
    if error and error.step == _STAYS:
        # Another number than was written down, and no size yet.
        journal.entry(ZRAM, PurePosixPath(error.path).name, f"0 {boot}")
    if error:
        raise _refusal(target, journal, request, error)
    path = "".join(outcome.before.values())
    algorithm = _algorithms(target, number)[0]
    return ZramDevice(path=path, number=number, size_bytes=token, algorithm=algorithm)


def _inspect(target: Target) -> Outcome:
    return execute(target, Job(operation="zram-device", options={"action": "inspect"}))


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


def _make(target: Target, request: ZramRequest, number: int, token: int) -> Outcome:
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
    target: Target, journal: Journal, request: ZramRequest, error: CoreError
) -> CannotMeasureError:
    if is_unknown_algorithm(error):
        return explain_algorithm(error, request, zram_algorithms(target, journal))
    return explain_making(error, request)
