"""OTLP export requests, decoded. Field numbers are those of opentelemetry-proto 1.x."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_run_viewer.telemetry import (
    Event,
    HistogramPoint,
    Link,
    Metric,
    NumberPoint,
    Resource,
    Scope,
    Span,
)
from otel_run_viewer.values import read_attributes
from otel_run_viewer.wire import FIXED64, LENGTH, Message, read_fields, to_double, to_signed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Record = TypeVar("Record")

DATA_KINDS = {
    5: "gauge",
    7: "sum",
    9: "histogram",
    10: "exponential_histogram",
    11: "summary",
}


def decode_traces(payload: bytes) -> list[Span]:
    """Decode an ExportTraceServiceRequest. Raises `WireError`."""
    return _decode(payload, _read_span)


def decode_metrics(payload: bytes) -> list[Metric]:
    """Decode an ExportMetricsServiceRequest. Raises `WireError`."""
    return _decode(payload, _read_metric)


def _decode(payload: bytes, read: Callable[[bytes, Resource, Scope], Record]) -> list[Record]:
    # Resource{Spans,Metrics} and Scope{Spans,Metrics} have the same numbers.
    decoded: list[Record] = []
    for group in Message(payload).blobs(1):
        message = Message(group)
        resource = _read_resource(Message(message.blob(1)))
        for part in message.blobs(2):
            records = Message(part)
            scope = _read_scope(Message(records.blob(1)))
            decoded += [read(record, resource, scope) for record in records.blobs(2)]
    return decoded


def _read_resource(message: Message) -> Resource:
    return Resource(read_attributes(message.blobs(1)), message.uint32(2))


def _read_scope(message: Message) -> Scope:
    return Scope(
        name=message.text(1),
        version=message.text(2),
        attributes=read_attributes(message.blobs(3)),
        dropped_attributes=message.uint32(4),
    )


def _read_span(payload: bytes, resource: Resource, scope: Scope) -> Span:
    message = Message(payload)
    status = Message(message.blob(15))
    return Span(
        trace_id=message.blob(1).hex(),
        span_id=message.blob(2).hex(),
        parent_span_id=message.blob(4).hex(),
        trace_state=message.text(3),
        flags=message.fixed32(16),
        name=message.text(5),
        kind=message.uint32(6),
        start=message.fixed64(7),
        end=message.fixed64(8),
        attributes=read_attributes(message.blobs(9)),
        dropped_attributes=message.uint32(10),
        events=tuple(_read_event(Message(event)) for event in message.blobs(11)),
        dropped_events=message.uint32(12),
        links=tuple(_read_link(Message(link)) for link in message.blobs(13)),
        dropped_links=message.uint32(14),
        status=status.uint32(3),
        status_message=status.text(2),
        resource=resource,
        scope=scope,
    )


def _read_event(message: Message) -> Event:
    return Event(
        time=message.fixed64(1),
        name=message.text(2),
        attributes=read_attributes(message.blobs(3)),
        dropped_attributes=message.uint32(4),
    )


def _read_link(message: Message) -> Link:
    return Link(
        trace_id=message.blob(1).hex(),
        span_id=message.blob(2).hex(),
        trace_state=message.text(3),
        attributes=read_attributes(message.blobs(4)),
        dropped_attributes=message.uint32(5),
        flags=message.fixed32(6),
    )


def _read_metric(payload: bytes, resource: Resource, scope: Scope) -> Metric:
    message = Message(payload)
    number, data = _read_data(payload)
    return Metric(
        name=message.text(1),
        description=message.text(2),
        unit=message.text(3),
        kind=DATA_KINDS.get(number, ""),
        temporality=data.uint32(2),
        monotonic=data.flag(3),
        points=_read_points(number, data.blobs(1)),
        resource=resource,
        scope=scope,
    )


def _read_data(payload: bytes) -> tuple[int, Message]:
    number, found = 0, b""
    for tag, raw in read_fields(payload):
        if tag & 7 == LENGTH and tag >> 3 in DATA_KINDS and isinstance(raw, bytes):
            number, found = tag >> 3, raw
    return number, Message(found)


def _read_points(
    number: int, points: list[bytes]
) -> tuple[NumberPoint, ...] | tuple[HistogramPoint, ...]:
    kind = DATA_KINDS.get(number)
    if kind in ("gauge", "sum"):
        return tuple(_read_number_point(point) for point in points)
    if kind == "histogram":
        return tuple(_read_histogram_point(Message(point)) for point in points)
    return ()


def _read_number_point(payload: bytes) -> NumberPoint:
    message = Message(payload)
    return NumberPoint(
        attributes=read_attributes(message.blobs(7)),
        start=message.fixed64(2),
        time=message.fixed64(3),
        flags=message.uint32(8),
        value=_read_number(payload),
    )


def _read_number(payload: bytes) -> int | float | None:
    number: int | float | None = None
    for tag, raw in read_fields(payload):
        if isinstance(raw, bytes):
            continue
        if tag == 4 << 3 | FIXED64:
            number = to_double(raw)
        elif tag == 6 << 3 | FIXED64:
            number = to_signed(raw)
    return number


def _read_histogram_point(message: Message) -> HistogramPoint:
    return HistogramPoint(
        attributes=read_attributes(message.blobs(9)),
        start=message.fixed64(2),
        time=message.fixed64(3),
        flags=message.uint32(10),
        count=message.fixed64(4),
        sum=message.double(5),
        min=message.double(11),
        max=message.double(12),
        bucket_counts=message.fixed64s(6),
        explicit_bounds=message.doubles(7),
    )
