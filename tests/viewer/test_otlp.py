"""Decoding, held against what protobuf itself reads from the same bytes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from otel_run_viewer import telemetry
from otel_run_viewer.otlp import DATA_KINDS, decode_metrics, decode_traces
from otel_run_viewer.values import DEEPEST, TOO_DEEP, read_value
from otel_run_viewer.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

MessageType = TypeVar("MessageType", bound="Message")
NUMBERS = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
    FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.TYPE_FIXED32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SINT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_STRING: st.text(st.characters(codec="utf-8"), max_size=20),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
}


@st.composite
def messages(draw: st.DrawFn, kind: type[MessageType], depth: int = 11) -> MessageType:
    """Fill any of a message's fields, and those of the messages in it."""
    message = kind()
    fill(draw, message, depth)
    return message


def fill(draw: st.DrawFn, message: Message, depth: int) -> None:
    for field in message.DESCRIPTOR.fields:
        nested = field.message_type is not None
        if (nested and not depth) or not draw(st.booleans()):
            continue
        target = getattr(message, field.name)
        if nested and field.is_repeated:
            for _ in range(draw(st.integers(0, 2))):
                fill(draw, target.add(), depth - 1)
        elif nested:
            target.SetInParent()
            fill(draw, target, depth - 1)
        elif field.is_repeated:
            target.extend(draw(st.lists(scalars(field), max_size=3)))
        else:
            setattr(message, field.name, draw(scalars(field)))


def scalars(field: Any) -> st.SearchStrategy[Any]:
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return NUMBERS[field.type]


def value_of(value: AnyValue) -> telemetry.Value:
    kind = value.WhichOneof("value")
    if kind is None or kind.endswith("strindex"):
        return None
    if kind == "array_value":
        return tuple(value_of(item) for item in value.array_value.values)
    if kind == "kvlist_value":
        return attributes_of(value.kvlist_value.values)
    plain: telemetry.Value = getattr(value, kind)
    return plain


def attributes_of(pairs: Iterable[KeyValue]) -> telemetry.Attributes:
    return {pair.key: value_of(pair.value) for pair in pairs}


def resource_of(message: Any) -> telemetry.Resource:
    return telemetry.Resource(attributes_of(message.attributes), message.dropped_attributes_count)


def scope_of(message: Any) -> telemetry.Scope:
    return telemetry.Scope(
        message.name,
        message.version,
        attributes_of(message.attributes),
        message.dropped_attributes_count,
    )


def span_of(span: Any, group: Any, scope: Any) -> telemetry.Span:
    return telemetry.Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        trace_state=span.trace_state,
        flags=span.flags,
        name=span.name,
        kind=span.kind,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=attributes_of(span.attributes),
        dropped_attributes=span.dropped_attributes_count,
        events=tuple(
            telemetry.Event(
                event.time_unix_nano,
                event.name,
                attributes_of(event.attributes),
                event.dropped_attributes_count,
            )
            for event in span.events
        ),
        dropped_events=span.dropped_events_count,
        links=tuple(
            telemetry.Link(
                link.trace_id.hex(),
                link.span_id.hex(),
                link.trace_state,
                attributes_of(link.attributes),
                link.dropped_attributes_count,
                link.flags,
            )
            for link in span.links
        ),
        dropped_links=span.dropped_links_count,
        status=span.status.code,
        status_message=span.status.message,
        resource=resource_of(group.resource),
        scope=scope_of(scope.scope),
    )


def point_of(kind: str, point: Any) -> telemetry.NumberPoint | telemetry.HistogramPoint:
    shared = {
        "attributes": attributes_of(point.attributes),
        "start": point.start_time_unix_nano,
        "time": point.time_unix_nano,
        "flags": point.flags,
    }
    if kind != "histogram":
        which = point.WhichOneof("value")
        return telemetry.NumberPoint(**shared, value=getattr(point, which) if which else None)
    return telemetry.HistogramPoint(
        **shared,
        count=point.count,
        sum=point.sum if point.HasField("sum") else None,
        min=point.min if point.HasField("min") else None,
        max=point.max if point.HasField("max") else None,
        bucket_counts=tuple(point.bucket_counts),
        explicit_bounds=tuple(point.explicit_bounds),
    )


def metric_of(metric: Any, group: Any, scope: Any) -> telemetry.Metric:
    kind = metric.WhichOneof("data") or ""
    data = getattr(metric, kind) if kind else None
    points = data.data_points if data and kind in ("gauge", "sum", "histogram") else ()
    return telemetry.Metric(
        name=metric.name,
        description=metric.description,
        unit=metric.unit,
        kind=kind,
        temporality=getattr(data, "aggregation_temporality", 0),
        monotonic=getattr(data, "is_monotonic", False),
        points=tuple(point_of(kind, point) for point in points),  # type: ignore[arg-type] # one kind
        resource=resource_of(group.resource),
        scope=scope_of(scope.scope),
    )


def nest(depth: int) -> AnyValue:
    value = AnyValue(string_value="core")
    for level in range(depth):
        if level % 2:
            value = AnyValue(array_value=ArrayValue(values=[value]))
        else:
            value = AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=value)]))
    return value


slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@slow
@given(messages(ExportTraceServiceRequest))
def test_every_span_is_read_as_protobuf_reads_it(request: ExportTraceServiceRequest) -> None:
    expected = [
        span_of(span, group, scope)
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]

    assert decode_traces(request.SerializeToString()) == expected


@slow
@given(messages(ExportMetricsServiceRequest))
def test_every_metric_is_read_as_protobuf_reads_it(request: ExportMetricsServiceRequest) -> None:
    expected = [
        metric_of(metric, group, scope)
        for group in request.resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
    ]

    assert decode_metrics(request.SerializeToString()) == expected


@given(messages(AnyValue))
def test_every_attribute_value_is_read_as_protobuf_reads_it(value: AnyValue) -> None:
    assert read_value(value.SerializeToString()) == value_of(value)


@given(st.binary())
@example(b"\x0a\x02\x12\x00")
def test_arbitrary_bytes_are_decoded_or_refused(payload: bytes) -> None:
    for decode in (decode_traces, decode_metrics):
        with contextlib.suppress(WireError):
            decode(payload)


@slow
@given(messages(ExportTraceServiceRequest), st.data())
def test_what_protobuf_accepts_of_a_damaged_request_is_accepted(
    request: ExportTraceServiceRequest, data: st.DataObject
) -> None:
    payload = bytearray(request.SerializeToString())
    for at in data.draw(st.lists(st.integers(0, max(0, len(payload) - 1)), max_size=4)):
        payload[at : at + 1] = data.draw(st.binary(max_size=2))
    try:
        ExportTraceServiceRequest.FromString(bytes(payload))
    except DecodeError:
        accepted = False
    else:
        accepted = True
    try:
        decode_traces(bytes(payload))
    except WireError:
        assert not accepted


def test_a_request_torn_at_any_byte_is_decoded_or_refused() -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="GET", trace_id=b"t" * 16)
    span.attributes.add(key="nested").value.CopyFrom(nest(3))
    payload = request.SerializeToString()

    for length in range(len(payload)):
        if length:
            with pytest.raises(WireError):
                decode_traces(payload[:length])
    assert decode_traces(payload)[0].attributes == {"nested": {"k": ({"k": "core"},)}}


@pytest.mark.parametrize("depth", [1, 10, 38])
def test_values_are_read_as_deep_as_protobuf_allows(depth: int) -> None:
    payload = nest(depth).SerializeToString()

    assert read_value(payload) == value_of(AnyValue.FromString(payload))


def test_a_value_nested_deeper_than_anyone_means_ends_in_a_mark() -> None:
    value = b"\x0a\x04core"
    for _ in range(1000):
        inner = b"\x0a" + length_of(value) + value
        value = b"\x2a" + length_of(inner) + inner

    found: Any = read_value(value)
    depth = 0
    while isinstance(found, tuple):
        (found,) = found
        depth += 1
    assert (found, depth) == (TOO_DEEP, DEEPEST)


def length_of(data: bytes) -> bytes:
    length, written = len(data), bytearray()
    while length > 0x7F:
        written.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*written, length])


def test_text_that_is_not_utf8_is_read_with_marks() -> None:
    assert read_value(b"\x0a\x03a\xffb") == "a\ufffdb"


def test_the_kinds_of_metrics_are_those_of_the_protocol() -> None:
    oneof = ExportMetricsServiceRequest.DESCRIPTOR.file.pool.FindMessageTypeByName(
        "opentelemetry.proto.metrics.v1.Metric"
    ).oneofs_by_name["data"]

    assert {field.number: field.name for field in oneof.fields} == DATA_KINDS
