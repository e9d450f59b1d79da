"""The few pieces of protobuf's wire format that OTLP needs, written and read."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

# Wire types (protobuf.dev/programming-guides/encoding).
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED_SIZES: Final = {FIXED64: 8, FIXED32: 4}

# Varints below this come from a table; nearly every length is.
SMALL = 2048
VARINTS: Final = [bytes((number,)) for number in range(128)] + [
    bytes((number & 0x7F | 0x80, number >> 7)) for number in range(128, SMALL)
]


def varint(number: int) -> bytes:
    """Encode 0 <= `number` < 2**64."""
    if number < SMALL:
        return VARINTS[number]
    groups = bytearray()
    while number > 0x7F:  # noqa: PLR2004  seven bits a byte
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def field(tag: bytes, content: bytes) -> bytes:
    """Return a length-delimited field: tag, length, content."""
    return tag + varint(len(content)) + content


def utf8(text: str) -> bytes:
    """Encode text; what has no UTF-8, as lone surrogates, becomes a question mark."""
    return str.encode(text, "utf-8", "replace")


def read_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of a message that anyone may have sent.

    Varints and fixed numbers come as unsigned integers. Raises ValueError where it is no protobuf.
    """
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        value: int | bytes
        if tag & 7 == VARINT:
            value, position = _read_varint(message, position)
        else:
            value, position = _read_sized(message, position, tag & 7)
        yield tag >> 3, value


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  the last group has no continuation bit
            return number & 0xFFFF_FFFF_FFFF_FFFF, position
    raise ValueError("no varint")


def _read_sized(message: bytes, position: int, wire_type: int) -> tuple[int | bytes, int]:
    size = _FIXED_SIZES.get(wire_type)
    if wire_type == BYTES:
        size, position = _read_varint(message, position)
    if size is None or size > len(message) - position:
        raise ValueError("no protobuf field")
    content = message[position : position + size]
    if wire_type == BYTES:
        return content, position + size
    return int.from_bytes(content, "little"), position + size
