"""The parameter of dm-verity's forward error correction, for each Workload that has it."""

from collections.abc import Mapping

from loadstone.errors import UsageError
from loadstone.model import Kind, Parameter, Value

_MOST_ROOTS = 24

FEC_ROOTS = Parameter(
    name="fec_roots",
    kind=Kind.COUNT,
    default=2,
    help=f"bytes of parity in a codeword of 255: 2 to {_MOST_ROOTS}; 0: no FEC",
)


def check_fec_roots(parameters: Mapping[str, Value]) -> None:
    """Raise UsageError where dm-verity has no FEC of so many roots."""
    roots = int(parameters["fec_roots"])
    if roots == 1 or roots > _MOST_ROOTS:
        raise UsageError(f"fec_roots: {roots} is none", remedy=f"write 2 to {_MOST_ROOTS}, or 0")
