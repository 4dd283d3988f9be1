"""Calibrations kept in the cache, for guests of the same kernel, QEMU, machine and core."""

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from loadstone.core import native
from loadstone.durable import UNDECODABLE, decode, write_atomically
from loadstone.errors import RunError
from loadstone.lab.cache import cache_directory
from loadstone.lab.kernels import Kernel
from loadstone.lab.machine import ClockKind, Machine
from loadstone.lab.programs import versions
from loadstone.lab.protocol import CALIBRATED, THIS_BOOT
from loadstone.model import Fact, Noun

_CALIBRATION = "calibration."


class CachedCalibration(Noun, frozen=True, kw_only=True):
    """The file's content; ``costs`` is what ``calibration.boot_calibration`` returns."""

    costs: Mapping[str, float]


def calibration_file(kernel: Kernel, machine: Machine) -> Path | None:
    """The cache file for such guests; None under the host's clock, where every boot measures.

    A count of instructions depends on the kernel image, the user's own modules, QEMU, the emulated
    machine and the core. The host's clock also depends on what else the host does.
    """
    if machine.clock is not ClockKind.INSTRUCTIONS:
        return None
    key = (machine, versions(machine.architecture), native.source_hash())
    digest = hashlib.sha256(msgspec.json.encode(key))
    for module in kernel.own:
        digest.update(module.file.sha256.encode())
    with kernel.image.open("rb") as image:
        digest.update(hashlib.file_digest(image, "sha256").digest())
    return cache_directory() / "costs" / f"{digest.hexdigest()}.json"


def cached_calibration(file: Path | None) -> Mapping[str, float]:
    """The cached calibration; empty where there is none, or none that can be read."""
    if file is None:
        return {}
    try:
        return decode(file.read_bytes(), CachedCalibration).costs
    except (OSError, *UNDECODABLE):
        return {}


def store_calibration(file: Path | None, facts: Mapping[str, Fact]) -> None:
    """Store the calibration among a guest's facts, if that guest measured it.

    If the cache cannot be written, the next guest measures again.
    """
    if file is None or facts.get(CALIBRATED) != THIS_BOOT:
        return
    costs = {
        name: value
        for name, value in facts.items()
        if name.startswith(_CALIBRATION) and isinstance(value, float)
    }
    with contextlib.suppress(RunError):
        write_atomically(file, msgspec.json.encode(CachedCalibration(costs=costs)))
