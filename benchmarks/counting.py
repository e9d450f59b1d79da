"""What an export holds, counted in its bytes: OTLP, Datadog's msgpack, the local store.

Only what lies on the way is looked at, everything else is skipped by its length.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Numbers of fields, opentelemetry-proto: the upper three are the same for traces and metrics.
RESOURCES, SCOPES, RECORDS = 1, 2, 2
METRIC_NAME, METRIC_HISTOGRAM, HISTOGRAM_POINTS, POINT_COUNT = 1, 9, 1, 4
VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5

STORE_HEADER = b"OTELRUN\x01"
STORE_TRACES = 1


def spans_in_otlp(export: bytes) -> int:
    """Spans in an encoded ExportTraceServiceRequest."""
    return sum(1 for _ in records(export))


def durations_in_otlp(export: bytes) -> int:
    """Points in the histograms of durations of an encoded ExportMetricsServiceRequest."""
    return sum(
        struct.unpack("<Q", count)[0]
        for metric in records(export)
        if b"".join(fields(metric, METRIC_NAME)).endswith(b".duration")
        for histogram in fields(metric, METRIC_HISTOGRAM)
        for point in fields(histogram, HISTOGRAM_POINTS)
        for count in fields(point, POINT_COUNT)
    )


def records(export: bytes) -> Iterator[bytes]:
    """Yield the spans or the metrics of a request."""
    for resource in fields(export, RESOURCES):
        for scope in fields(resource, SCOPES):
            yield from fields(scope, RECORDS)


def fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the content of each field of that number; a varint's is empty."""
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        wire_type, length = tag & 7, 0
        if wire_type == LENGTH_DELIMITED:
            length, at = varint(message, at)
        elif wire_type == VARINT:
            _, at = varint(message, at)
        else:
            length = {FIXED64: 8, FIXED32: 4}[wire_type]
        if tag >> 3 == wanted:
            yield message[at : at + length]
        at += length


def varint(message: bytes, at: int) -> tuple[int, int]:
    """Value of the varint there, and where it ends."""
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | message[at] << shift, at + 1


def spans_in_datadog(path: str, payload: bytes) -> int:
    """Spans in what was put to `/v0.4/traces` or, after a table of strings, to `/v0.5/traces`."""
    at = 0
    if path.startswith("/v0.5/"):
        at = skipped(payload, 1)
    traces, at = item(payload, at)
    spans = 0
    for _ in range(traces.items):
        trace, at = item(payload, at)
        spans += trace.items
        for _ in range(trace.items):
            at = skipped(payload, at)
    return spans


def skipped(payload: bytes, at: int) -> int:
    """Where the msgpack value that begins there ends, with all it holds."""
    pending = 1
    while pending:
        head, at = item(payload, at)
        at += head.size
        pending += head.items - 1
    return at


class Item(NamedTuple):
    """The head of a msgpack value: how many values and how many bytes follow it."""

    items: int
    size: int


# First byte → (format of the count that follows, values an entry, bytes an entry).
COUNTED = {
    0xC4: (">B", 0, 1),
    0xC5: (">H", 0, 1),
    0xC6: (">I", 0, 1),
    0xD9: (">B", 0, 1),
    0xDA: (">H", 0, 1),
    0xDB: (">I", 0, 1),
    0xDC: (">H", 1, 0),
    0xDD: (">I", 1, 0),
    0xDE: (">H", 2, 0),
    0xDF: (">I", 2, 0),
}
FIXED = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}


def item(payload: bytes, at: int) -> tuple[Item, int]:
    """Read the head of the value there, and say where its bytes begin."""
    first, at = payload[at], at + 1
    if first in COUNTED:
        count_format, items, size = COUNTED[first]
        (count,) = struct.unpack_from(count_format, payload, at)
        return Item(count * items, count * size), at + struct.calcsize(count_format)
    if 0x80 <= first <= 0x8F:  # noqa: PLR2004
        return Item((first & 0x0F) * 2, 0), at
    if 0x90 <= first <= 0x9F:  # noqa: PLR2004
        return Item(first & 0x0F, 0), at
    if 0xA0 <= first <= 0xBF:  # noqa: PLR2004
        return Item(0, first & 0x1F), at
    return Item(0, FIXED.get(first, 0)), at


def spans_in_store(folder: Path) -> int:
    """Spans in every file of a local store."""
    return sum(
        spans_in_otlp(export) for file in folder.rglob("*.otlp") for export in trace_frames(file)
    )


def trace_frames(file: Path) -> Iterator[bytes]:
    """Yield the trace exports of one file of the store."""
    content = file.read_bytes()
    if not content.startswith(STORE_HEADER):
        return
    at = len(STORE_HEADER)
    while at < len(content):
        signal, length = struct.unpack_from(">BI", content, at)
        at += 5
        if signal == STORE_TRACES:
            yield content[at : at + length]
        at += length
