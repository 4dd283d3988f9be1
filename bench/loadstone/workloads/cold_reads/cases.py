"""What the Cases of workloads that read a file cold have in common: pattern, sizes, metrics."""

from collections.abc import Mapping

from loadstone.errors import UsageError
from loadstone.model import Better, Kind, Metric, Parameter, Value
from loadstone.units import format_bytes

SEQUENTIAL, RANDOM, MMAP = "sequential", "random", "mmap"
PATTERNS = (SEQUENTIAL, RANDOM, MMAP)

BLOCK_BYTES = 4096
"""Of the file systems that are read."""

READ_AHEAD_BYTES = 128 << 10

_BLOCKS = {SEQUENTIAL: 128 << 10, RANDOM: 4 << 10, MMAP: 4 << 10}
_TOTALS = {SEQUENTIAL: 64 << 20, RANDOM: 4 << 20, MMAP: 4 << 20}

PATTERN_PARAMETER = Parameter(
    name="pattern",
    kind=Kind.CHOICE,
    default=SEQUENTIAL,
    choices=PATTERNS,
    help="blocks in sequence, or anywhere and none twice; or page faults anywhere",
)

SIZE_PARAMETERS = (
    Parameter(
        name="read_ahead",
        kind=Kind.SIZE,
        default=READ_AHEAD_BYTES,
        help="of the device below (read_ahead_kb); 0 turns it off",
    ),
    Parameter(
        name="block",
        kind=Kind.SIZE,
        minimum=512,
        help="bytes of one read [sequential: 128KiB, else 4KiB]",
    ),
    Parameter(
        name="total",
        kind=Kind.SIZE,
        minimum=512,
        help="bytes read in all [sequential: 64MiB, else 4MiB]",
    ),
)

READ_METRICS = (
    Metric(name="throughput", unit="GB/s", better=Better.HIGHER),
    Metric(name="read_ns", unit="ns", better=Better.LOWER),
    Metric(name="read_p99_ns", unit="ns", better=Better.LOWER),
    Metric(name="read_p999_ns", unit="ns", better=Better.LOWER),
    Metric(name="amplification", unit="B/B", better=Better.LOWER),
)


def default_sizes(pattern: Value) -> dict[str, Value]:
    """``block`` and ``total`` where a Case does not name them."""
    return {"block": _BLOCKS[str(pattern)], "total": _TOTALS[str(pattern)]}


def read_ahead_words(parameters: Mapping[str, Value]) -> str:
    """What a label has of a read-ahead that is not the default."""
    return f"read-ahead {format_bytes(int(parameters['read_ahead']))}"


def size_words(parameters: Mapping[str, Value]) -> list[str]:
    """What a label has of sizes that are not those of its pattern."""
    defaults = default_sizes(parameters["pattern"])
    return [
        f"{word} {format_bytes(int(parameters[name]))}"
        for name, word in (("block", "by"), ("total", "of"))
        if parameters[name] != defaults[name]
    ]


def check_sizes(parameters: Mapping[str, Value], *in_blocks: str) -> None:
    """Refuse sizes that no file system, device or file has.

    Args:
        in_blocks: parameters besides ``read_ahead`` that are whole blocks.

    Raises:
        UsageError: there is one.
    """
    for name in (*in_blocks, "read_ahead"):
        if int(parameters[name]) % BLOCK_BYTES:
            raise UsageError(
                f"{name}: {parameters[name]} is no multiple of a block",
                remedy=f"write {BLOCK_BYTES} or a multiple",
            )
    if int(parameters["total"]) < int(parameters["block"]):
        raise UsageError("total: is less than one block", remedy="write more")
