"""Tables of many segments over one or more devices, as fragmented logical volumes have them."""

from collections.abc import Mapping, Sequence

from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.units import format_bytes

SECTOR_BYTES = 512
# In sectors: what a striped target deals out at a time.
_CHUNK = 32
_DELAY = "linear+delay"


def needed_bytes(parameters: Mapping[str, Value]) -> int:
    """The least size of each device that a Case's table lies on."""
    count = int(parameters["segments"]) + (parameters["table"] == _DELAY)
    rows = -(-count // int(parameters["devices"]))
    return (rows - 1) * int(parameters["stride"]) + int(parameters["segment"])


def flush_table(parameters: Mapping[str, Value], devices: Sequence[str]) -> str:
    """The table of a Case: a target a line, as for ``dmsetup create``.

    Segment n lies on device n modulo their number, ``stride`` bytes behind the one before it
    there, so that none continues another. With ``table=stripe`` a segment is dealt out in
    stripes over all devices (over two places of one). ``linear+delay`` ends in one more segment,
    of the target delay with 0 ms: a flush then goes through every target again, as before
    Linux 6.11.

    Args:
        devices: each ``MAJ:MIN`` or a path.

    Source: Documentation/admin-guide/device-mapper/{linear,striped,delay}.rst.
    """
    segments = int(parameters["segments"])
    lines, start = list[str](), 0
    for number in range(segments + (parameters["table"] == _DELAY)):
        kind = "delay" if number == segments else str(parameters["table"]).partition("+")[0]
        length, target = _segment(kind, number, parameters, devices)
        lines.append(f"{start} {length} {target}")
        start += length
    return "\n".join(lines)


def check_geometry(parameters: Mapping[str, Value]) -> None:
    """Refuse segments that no table can have.

    Raises:
        UsageError: one is no whole number of sectors, or they overlap, or are none.
    """
    for name in ("segment", "stride"):
        if int(parameters[name]) % SECTOR_BYTES:
            raise UsageError(
                f"{name}: {parameters[name]} is no multiple of a sector",
                remedy=f"write {SECTOR_BYTES} or a multiple",
            )
    if int(parameters["stride"]) < int(parameters["segment"]):
        raise UsageError(
            f"stride: {format_bytes(int(parameters['stride']))} is less than a segment of "
            f"{format_bytes(int(parameters['segment']))}: they would overlap",
            remedy="write as much or more",
        )
    stripes = max(2, int(parameters["devices"]))
    least = stripes * _CHUNK * SECTOR_BYTES
    if parameters["table"] == "stripe" and int(parameters["segment"]) < least:
        raise UsageError(
            f"segment: stripes take {format_bytes(least)}", remedy="write that or more"
        )


def _segment(
    kind: str, number: int, parameters: Mapping[str, Value], devices: Sequence[str]
) -> tuple[int, str]:
    """Length in sectors, and type and parameters of one segment's target."""
    length = int(parameters["segment"]) // SECTOR_BYTES
    row = number // len(devices)
    offset = row * (int(parameters["stride"]) // SECTOR_BYTES)
    device = devices[number % len(devices)]
    match kind:
        case "stripe":
            return _stripes(length, number, parameters, devices)
        case "delay":
            return length, f"delay {device} {offset} 0"
        case _:
            return length, f"linear {device} {offset}"


def _stripes(
    length: int, number: int, parameters: Mapping[str, Value], devices: Sequence[str]
) -> tuple[int, str]:
    stripes = max(2, len(devices))
    share = length // stripes // _CHUNK * _CHUNK
    row = number // len(devices) * (int(parameters["stride"]) // SECTOR_BYTES)
    # On several devices each segment takes its row of one of them, and as much of the others'.
    column = number % len(devices) * share
    places = [
        f"{devices[stripe % len(devices)]} {row + column + stripe // len(devices) * share}"
        for stripe in range(stripes)
    ]
    return share * stripes, f"striped {stripes} {_CHUNK} {' '.join(places)}"
