"""The agents, static programs that carry out Jobs on devices: one for each architecture."""

import re
from collections.abc import Sequence
from pathlib import Path

from loadstone.core import native
from loadstone.errors import CannotMeasureError

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "agents", _PACKAGE.parents[1] / "build" / "agents")
# As `uname -m` says it; a processor of 64 bits may run a kernel or a shell of 32.
_ARCHITECTURES = {
    "aarch64": "aarch64",
    "arm64": "aarch64",
    "armv7l": "armv7",
    "armv8l": "armv7",
    "x86_64": "x86_64",
}

_MARKER = re.compile(rb"loadstone-core:([0-9a-f]{64})")


def agent_binary(architecture: str, places: Sequence[Path] = _PLACES) -> Path:
    """The agent for a device, built from the same sources as this core.

    Args:
        architecture: as ``uname -m`` says it on the device.
        places: where to look; by default in an installed package, then where a checkout builds.

    Raises:
        CannotMeasureError: there is no agent for that architecture, none was built, or it was
            built from other sources.
    """
    if architecture not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise CannotMeasureError(
            f"no agent for the architecture {architecture}",
            remedy=f"take a device of one of these: {known}",
        )
    path = _find(f"loadstone-agent-{_ARCHITECTURES[architecture]}", places)
    if agent_core(path) != native.source_hash():
        raise CannotMeasureError(
            f"{path} was built from other sources than this loadstone",
            remedy="build it anew with: make agents",
        )
    return path


def agent_core(path: Path) -> str | None:
    """The hash of the sources that an agent was built from; None where the file is no agent."""
    found = _MARKER.search(path.read_bytes())
    return found[1].decode() if found else None


def _find(name: str, places: Sequence[Path]) -> Path:
    for place in places:
        if (place / name).is_file():
            return place / name
    searched = " or ".join(map(str, places))
    raise CannotMeasureError(
        f"no {name} in {searched}", remedy="in a checkout of loadstone, build it with: make agents"
    )
