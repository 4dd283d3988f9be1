"""Packets of a Perfetto trace: a track, a slice, and which clock their times are of.

Source: protos/perfetto/trace of github.com/google/perfetto (trace_packet.proto,
track_descriptor.proto, track_event.proto, debug_annotation.proto, clock_snapshot.proto).
"""

from collections.abc import Mapping

from loadstone.export.protobuf import double, integer, message, text
from loadstone.model import Value

_PACKET = 1
_TIMESTAMP, _SNAPSHOT, _SEQUENCE, _EVENT, _TRACK = 8, 6, 10, 11, 60
_REALTIME, _BOOTTIME = 1, 6
_BEGIN, _END = 1, 2
_EXPLICIT_ORDER = 3
_ONE_SEQUENCE = integer(_SEQUENCE, 1)

Arguments = Mapping[str, Value | float | Mapping[str, float]]
"""By name; a mapping among them is a group, whose names have its own before theirs."""


def track(uuid: int, name: str, parent: int | None = None, rank: int = 0) -> bytes:
    """A row of the time line, below another or at the top; ``rank`` orders those of one parent."""
    fields = [integer(1, uuid), text(2, name), integer(11, _EXPLICIT_ORDER), integer(12, rank)]
    if parent is not None:
        fields.append(integer(5, parent))
    return _packet(message(_TRACK, *fields))


def begin(track_uuid: int, at_ns: int, name: str, arguments: Arguments | None = None) -> bytes:
    """A slice begins; its arguments are what ``EXTRACT_ARG`` and the details pane have."""
    notes = [message(4, _argument(*pair)) for pair in (arguments or {}).items()]
    event = message(_EVENT, integer(9, _BEGIN), integer(11, track_uuid), text(23, name), *notes)
    return _packet(integer(_TIMESTAMP, at_ns), event)


def end(track_uuid: int, at_ns: int) -> bytes:
    """The innermost slice of a track ends."""
    event = message(_EVENT, integer(9, _END), integer(11, track_uuid))
    return _packet(integer(_TIMESTAMP, at_ns), event)


def clocks(boottime_ns: int, realtime_ns: int) -> bytes:
    """Two clocks at one moment, of which the former is the trace's."""
    pairs = ((_BOOTTIME, boottime_ns), (_REALTIME, realtime_ns))
    known = [message(1, integer(1, clock), integer(2, at_ns)) for clock, at_ns in pairs]
    return _packet(message(_SNAPSHOT, *known, integer(2, _BOOTTIME)))


def _packet(*fields: bytes) -> bytes:
    return message(_PACKET, *fields, _ONE_SEQUENCE)


def _argument(name: str, value: Value | float | Mapping[str, float]) -> bytes:
    match value:
        case bool():
            said = integer(2, value)
        case int():
            said = integer(4, value)
        case float():
            said = double(5, value)
        case str():
            said = text(6, value)
        case _:
            said = b"".join(message(11, _argument(*pair)) for pair in value.items())
    return text(10, name) + said
