"""The protobuf wire format, for bytes that nobody vouches for.

Every loop consumes its input and nothing recurses, so the work is linear in the message's length.
What is malformed raises `WireError` and nothing else.
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT = 0
FIXED64 = 1
LENGTH = 2
GROUP_START = 3
GROUP_END = 4
FIXED32 = 5

LONGEST_VARINT = 10  # bytes
CONTINUES = 0x80  # the bit of a varint's byte that says another follows
MASK_32 = (1 << 32) - 1
MASK_64 = (1 << 64) - 1


class WireError(ValueError):
    """The bytes are not a protobuf message."""


def read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (tag, value): the tag as written, `number << 3 | wire type`.

    Varints and fixed values come as unsigned integers, the rest as bytes. Groups are skipped.
    """
    at = 0
    groups: list[int] = []
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0 or tag > MASK_32:
            raise WireError(f"field number {number}")
        if wire == GROUP_START:
            groups.append(number)
        elif wire == GROUP_END:
            _close_group(groups, number)
        else:
            value, at = _read_value(data, at, wire)
            if not groups:
                yield tag, value
    if groups:
        raise WireError(f"group {groups[-1]} has no end")


def to_signed(value: int) -> int:
    """Give the int64 that an unsigned 64-bit value stands for."""
    return value - (1 << 64) if value >> 63 else value


def to_double(bits: int) -> float:
    """Give the double that 64 bits stand for."""
    number: float = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return number


class Message:
    """One message's fields by number; of a singular field that was repeated, the last one counts.

    As protobuf does, a field of another wire type than asked for is taken as unknown.
    """

    __slots__ = ("_blobs", "_numbers")

    def __init__(self, data: bytes) -> None:
        """Read every field. Raises `WireError`."""
        self._blobs: dict[int, list[bytes]] = {}
        self._numbers: dict[int, list[int]] = {}
        for tag, value in read_fields(data):
            if isinstance(value, bytes):
                self._blobs.setdefault(tag >> 3, []).append(value)
            else:
                self._numbers.setdefault(tag, []).append(value)

    def blobs(self, number: int) -> list[bytes]:
        """Every value of a bytes, string or message field."""
        return self._blobs.get(number, [])

    def blob(self, number: int) -> bytes:
        """Return a bytes or message field; empty when absent."""
        return self._blobs.get(number, [b""])[-1]

    def text(self, number: int) -> str:
        """Return a string field; what is not UTF-8 in it becomes U+FFFD."""
        return self.blob(number).decode("utf-8", "replace")

    def uint64(self, number: int) -> int:
        """Return a uint64 field."""
        return self._numbers.get(number << 3 | VARINT, [0])[-1]

    def uint32(self, number: int) -> int:
        """Return a uint32 or enum field."""
        return self.uint64(number) & MASK_32

    def flag(self, number: int) -> bool:
        """Return a bool field."""
        return self.uint64(number) != 0

    def fixed32(self, number: int) -> int:
        """Return a fixed32 field."""
        return self._numbers.get(number << 3 | FIXED32, [0])[-1]

    def fixed64(self, number: int) -> int:
        """Return a fixed64 field."""
        return self._numbers.get(number << 3 | FIXED64, [0])[-1]

    def double(self, number: int) -> float | None:
        """Return a double field; None when absent."""
        bits = self._numbers.get(number << 3 | FIXED64)
        return to_double(bits[-1]) if bits else None

    def fixed64s(self, number: int) -> tuple[int, ...]:
        """Every value of a repeated fixed64 field, packed or not."""
        return (
            *self._numbers.get(number << 3 | FIXED64, []),
            *(value for blob in self.blobs(number) for value in _unpack(blob)),
        )

    def doubles(self, number: int) -> tuple[float, ...]:
        """Every value of a repeated double field, packed or not."""
        return tuple(to_double(bits) for bits in self.fixed64s(number))


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    if at < len(data) and data[at] < CONTINUES:  # as nearly all tags and lengths are
        return data[at], at + 1
    result = 0
    for index, byte in enumerate(data[at : at + LONGEST_VARINT]):
        result |= (byte & ~CONTINUES) << (7 * index)
        if not byte & CONTINUES:
            return result & MASK_64, at + index + 1
    raise WireError(f"the number at byte {at} has no end")


def _read_value(data: bytes, at: int, wire: int) -> tuple[int | bytes, int]:
    if wire == VARINT:
        return _read_varint(data, at)
    if wire == LENGTH:
        length, at = _read_varint(data, at)
        return _cut(data, at, length), at + length
    if wire == FIXED64:
        return int.from_bytes(_cut(data, at, 8), "little"), at + 8
    if wire == FIXED32:
        return int.from_bytes(_cut(data, at, 4), "little"), at + 4
    raise WireError(f"wire type {wire}")


def _cut(data: bytes, at: int, length: int) -> bytes:
    if length > len(data) - at:
        raise WireError(f"{length} bytes announced, {len(data) - at} there")
    return data[at : at + length]


def _close_group(groups: list[int], number: int) -> None:
    if not groups or groups.pop() != number:
        raise WireError(f"group {number} ends and never began")


def _unpack(blob: bytes) -> tuple[int, ...]:
    if len(blob) % 8:
        raise WireError(f"{len(blob)} bytes of packed 64-bit values")
    return struct.unpack(f"<{len(blob) // 8}Q", blob)
