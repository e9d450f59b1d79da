"""Attributes: OTLP's KeyValue and AnyValue messages."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from otel_run_viewer.wire import (
    FIXED64,
    LENGTH,
    VARINT,
    Message,
    read_fields,
    to_double,
    to_signed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_run_viewer.telemetry import Attributes, Value

# AnyValue's fields: their tags.
STRING = 1 << 3 | LENGTH
BOOL = 2 << 3 | VARINT
INT = 3 << 3 | VARINT
DOUBLE = 4 << 3 | FIXED64
ARRAY = 5 << 3 | LENGTH
MAP = 6 << 3 | LENGTH
BYTES = 7 << 3 | LENGTH

DEEPEST = 48  # protobuf's own parsers stop at 100 messages, two a level
TOO_DEEP = "(nested too deep)"
LONGEST_CACHED = 256  # bytes


def read_attributes(pairs: Iterable[bytes], depth: int = 0) -> Attributes:
    """Read KeyValue messages; of equal keys the last one counts. Raises `WireError`."""
    if depth:
        return dict(_read_pair(pair, depth) for pair in pairs)
    return dict(
        _read_known_pair(pair) if len(pair) <= LONGEST_CACHED else _read_pair(pair, 0)
        for pair in pairs
    )


@lru_cache(maxsize=8192)
def _read_known_pair(data: bytes) -> tuple[str, Value]:
    # Most attributes of a program repeat from span to span, byte by byte.
    return _read_pair(data, 0)


def _read_pair(data: bytes, depth: int) -> tuple[str, Value]:
    message = Message(data)
    return message.text(1), read_value(message.blob(2), depth)


def read_value(data: bytes, depth: int = 0) -> Value:
    """Read an AnyValue; empty and unknown ones are None. Raises `WireError`."""
    value: Value = None
    for tag, raw in read_fields(data):
        if isinstance(raw, bytes):
            value = _read_blob(tag, raw, depth, value)
        elif tag == BOOL:
            value = raw != 0
        elif tag == INT:
            value = to_signed(raw)
        elif tag == DOUBLE:
            value = to_double(raw)
    return value


def _read_blob(tag: int, raw: bytes, depth: int, otherwise: Value) -> Value:
    if tag == STRING:
        return raw.decode("utf-8", "replace")
    if tag == BYTES:
        return raw
    if tag not in (ARRAY, MAP):
        return otherwise
    if depth >= DEEPEST:
        return TOO_DEEP
    parts = Message(raw).blobs(1)
    if tag == MAP:
        return read_attributes(parts, depth + 1)
    return tuple(read_value(part, depth + 1) for part in parts)
