"""Messages in the wire format of Protocol Buffers: the four kinds of fields that are needed.

Source: protobuf.dev, "Encoding": a field is its number and kind, then a varint, eight bytes, or a
length and so many bytes.
"""

import struct

_VARINT, _EIGHT_BYTES, _LENGTH = 0, 1, 2
_MORE = 1 << 7
_64_BITS = (1 << 64) - 1


def integer(number: int, value: int) -> bytes:
    """A field of an integer of at most 64 bits; below 0 as its two's complement (int64)."""
    return _key(number, _VARINT) + _varint(value & _64_BITS)


def double(number: int, value: float) -> bytes:
    """A field of a floating-point number."""
    return _key(number, _EIGHT_BYTES) + struct.pack("<d", value)


def text(number: int, value: str) -> bytes:
    """A field of a string; what has no UTF-8 becomes ``?``."""
    return message(number, value.encode(errors="replace"))


def message(number: int, *fields: bytes) -> bytes:
    """A field of a message that has these fields, or of bytes."""
    inner = b"".join(fields)
    return _key(number, _LENGTH) + _varint(len(inner)) + inner


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    found = bytearray()
    while value >= _MORE:
        found.append(value & (_MORE - 1) | _MORE)
        value >>= 7
    found.append(value)
    return bytes(found)
