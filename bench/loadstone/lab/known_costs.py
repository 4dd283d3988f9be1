"""What guests took for known work, kept for others of the same kernel, QEMU and processor."""

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
from loadstone.lab.protocol import CALIBRATED, THIS_BOOT, Fact
from loadstone.model import Noun

_CALIBRATION = "calibration."


class KnownCosts(Noun, frozen=True, kw_only=True):
    """As ``calibration.boot_calibration`` returns them."""

    costs: Mapping[str, float]


def costs_file(kernel: Kernel, machine: Machine) -> Path | None:
    """Where the costs of guests like this one are kept; None where each boot has its own.

    A count of instructions depends on the kernel's code, what QEMU makes of it and for which
    machine, and on the core that counts. The host's clock depends on what else the host does.
    """
    if machine.clock is not ClockKind.INSTRUCTIONS:
        return None
    told = (machine, versions(machine.architecture), native.source_hash())
    digest = hashlib.sha256(msgspec.json.encode(told))
    with kernel.image.open("rb") as image:
        digest.update(hashlib.file_digest(image, "sha256").digest())
    return cache_directory() / "costs" / f"{digest.hexdigest()}.json"


def known_costs(file: Path | None) -> Mapping[str, float]:
    """What was kept; nothing where nothing was, or where it cannot be read."""
    if file is None:
        return {}
    try:
        return decode(file.read_bytes(), KnownCosts).costs
    except (OSError, *UNDECODABLE):
        return {}


def keep_costs(file: Path | None, facts: Mapping[str, Fact]) -> None:
    """Keep what a guest tells that it measured itself.

    Where the cache cannot be written the next guest measures too.
    """
    if file is None or facts.get(CALIBRATED) != THIS_BOOT:
        return
    costs = {
        name: value
        for name, value in facts.items()
        if name.startswith(_CALIBRATION) and isinstance(value, float)
    }
    with contextlib.suppress(RunError):
        write_atomically(file, msgspec.json.encode(KnownCosts(costs=costs)))
