"""The parameters of zoned-gc: their values, which go together, and how a Case is called."""

import re
from collections.abc import Mapping

from loadstone.errors import UsageError
from loadstone.model import Kind, Parameter, Value
from loadstone.units import format_bytes
from loadstone.workloads import parameters as shared
from loadstone.workloads.zoned_gc.device import FILE_SYSTEMS, SEGMENT_BYTES, ZONED, ZONEFS
from loadstone.workloads.zoned_gc.knobs import AS_IS, KNOB_FILES, KNOB_PARAMETERS

NO_SYNC, _FDATASYNC = "none", "fdatasync"
_UNIFORM = "uniform"
_DEFAULT_BURST = 500
_DEFAULT_CONVENTIONAL = 8
_WRITE_BYTES = {NO_SYNC: 4 << 10, _FDATASYNC: 16 << 10}
_PAGE_BYTES = 4096
_LEAST_TIMED_WRITES = 1000  # so that there is a 99.9th percentile
_MOST_WRITE_BYTES = 16 << 20
_MOST_PAUSE_MS = 1_000_000

PARAMETERS = (
    Parameter(
        name="fs",
        kind=Kind.CHOICE,
        default=ZONED,
        choices=FILE_SYSTEMS,
        help="F2FS on zones; as controls on a device without, there in place or as a log "
        "(mode=lfs), and zonefs, which has nothing to clean",
    ),
    Parameter(
        name="fill",
        kind=Kind.COUNT,
        default=90,
        minimum=1,
        help="percent of the free room that the file takes which is written over",
    ),
    Parameter(
        name="sync",
        kind=Kind.CHOICE,
        default=_FDATASYNC,
        choices=(NO_SYNC, _FDATASYNC),
        help="O_DIRECT writes; or buffered ones, each with fdatasync",
    ),
    Parameter(
        name="write",
        kind=Kind.SIZE,
        minimum=_PAGE_BYTES,
        help="bytes of one random write [4KiB by O_DIRECT, else 16KiB]",
    ),
    Parameter(
        name="total",
        kind=Kind.SIZE,
        default=192 << 20,
        minimum=_PAGE_BYTES,
        help="bytes written over the file; the second half of them is timed",
    ),
    Parameter(
        name="skew",
        kind=Kind.CHOICE,
        default=_UNIFORM,
        choices=(_UNIFORM, "80/20", "90/10", "95/5"),
        help="percent of the writes that go to a percent of the file",
    ),
    Parameter(
        name="pause",
        kind=Kind.COUNT,
        default=0,
        help="ms without writes after each burst, in which background GC may work",
    ),
    Parameter(
        name="burst", kind=Kind.COUNT, default=_DEFAULT_BURST, minimum=1, help="writes in a burst"
    ),
    Parameter(
        name="device",
        kind=Kind.SIZE,
        default=256 << 20,
        minimum=1,
        help="size of the simulated device",
    ),
    Parameter(name="zone", kind=Kind.SIZE, default=4 << 20, minimum=1, help="size of a zone"),
    Parameter(
        name="conventional",
        kind=Kind.COUNT,
        default=_DEFAULT_CONVENTIONAL,
        help="zones that can be written in place",
    ),
    Parameter(
        name="overprovision",
        kind=Kind.CHOICE,
        default=AS_IS,
        help="percent for mkfs.f2fs -o; what that reserves is not monotone [mkfs decides]",
    ),
    *KNOB_PARAMETERS,
)


def complete(chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
    """All parameters, and a sentence for each choice that was dropped.

    Raises:
        UsageError: they are none that a device or a kernel has.
    """
    is_zonefs = chosen.get("fs") == ZONEFS
    sync = NO_SYNC if is_zonefs else str(chosen.get("sync", _FDATASYNC))
    values = shared.complete(PARAMETERS, chosen, {"write": _WRITE_BYTES[sync]})
    _check(values)
    remarks = []
    if is_zonefs:
        fallbacks: dict[str, Value] = {"sync": NO_SYNC, "skew": _UNIFORM}
        fallbacks |= dict.fromkeys(("overprovision", *KNOB_FILES), AS_IS)
        remarks += shared.drop_meaningless(values, chosen, fallbacks, f"for fs {ZONEFS}")
    elif values["fs"] != ZONED:
        zones: dict[str, Value] = {"conventional": _DEFAULT_CONVENTIONAL}
        remarks += shared.drop_meaningless(values, chosen, zones, f"for fs {values['fs']}")
    if not values["pause"]:
        burst: dict[str, Value] = {"burst": _DEFAULT_BURST}
        remarks += shared.drop_meaningless(values, chosen, burst, "without pause")
    return values, remarks


def label(parameters: Mapping[str, Value]) -> str:
    """For people."""
    write = format_bytes(int(parameters["write"]))
    kind = "O_DIRECT" if parameters["sync"] == NO_SYNC else "fdatasync"
    words = [str(parameters["fs"]), write, kind]
    words += shared.words_of_changed(PARAMETERS, parameters, _words(parameters))
    return " ".join(words)


def _words(parameters: Mapping[str, Value]) -> dict[str, str]:
    """What a label has of each parameter that is not at its default."""
    words = {
        "fill": f"fill {parameters['fill']} %",
        "skew": str(parameters["skew"]),
        "pause": f"pause {parameters['pause']} ms",
        "burst": f"every {parameters['burst']}",
        "total": f"of {format_bytes(int(parameters['total']))}",
        "device": f"on {format_bytes(int(parameters['device']))}",
        "zone": f"zone {format_bytes(int(parameters['zone']))}",
        "conventional": f"{parameters['conventional']} conventional",
        "overprovision": f"-o {parameters['overprovision']}",
    }
    return words | {name: f"{name} {parameters[name]}" for name in KNOB_FILES}


def _check(parameters: Mapping[str, Value]) -> None:
    _check_zones(parameters)
    if int(parameters["fill"]) > 100:
        raise UsageError(f"fill: {parameters['fill']} percent is too much", remedy="write 1 to 100")
    write, total = int(parameters["write"]), int(parameters["total"])
    if write % _PAGE_BYTES or write > _MOST_WRITE_BYTES:
        raise UsageError(
            f"write: {format_bytes(write)} is no multiple of 4KiB up to "
            f"{format_bytes(_MOST_WRITE_BYTES)}",
            remedy="write one, such as 16KiB",
        )
    least = 2 * _LEAST_TIMED_WRITES * write
    if total < least:
        raise UsageError(
            f"total: {format_bytes(total)} is {total // write} writes, and the slowest of a "
            f"thousand is told of those of the second half",
            remedy=f"write {format_bytes(least)} or more",
        )
    if int(parameters["pause"]) > _MOST_PAUSE_MS:
        raise UsageError(f"pause: {parameters['pause']} ms is too long", remedy="write ms")
    _check_counts(parameters)


def _check_counts(parameters: Mapping[str, Value]) -> None:
    for name in ("overprovision", *KNOB_FILES):
        if not re.fullmatch(rf"{AS_IS}|\d{{1,9}}", str(parameters[name])):
            raise UsageError(
                f"{name}: {str(parameters[name])!r} is no count",
                remedy=f"write one, or {AS_IS}",
            )
    segments = int(parameters["device"]) // SEGMENT_BYTES
    # The kernel takes any count, and cleans without end.
    if parameters["reserved"] != AS_IS and int(parameters["reserved"]) >= segments:
        raise UsageError(
            f"reserved: {parameters['reserved']} segments are more than {segments - 1}, and the "
            f"device has {segments}",
            remedy="write less",
        )


def _check_zones(parameters: Mapping[str, Value]) -> None:
    zone, device = int(parameters["zone"]), int(parameters["device"])
    if zone < SEGMENT_BYTES or zone & (zone - 1):
        raise UsageError(
            f"zone: {format_bytes(zone)} is no power of two from a segment of F2FS, "
            f"{format_bytes(SEGMENT_BYTES)}, on",
            remedy="write 2MiB, 4MiB, …",
        )
    if device % zone or device <= zone:
        raise UsageError(
            f"device: {format_bytes(device)} is no multiple of the zone, {format_bytes(zone)}",
            remedy="write one, such as 256MiB",
        )
