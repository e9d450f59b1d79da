"""What OTLP messages say, as plain values that a test can compare whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue


@dataclass(frozen=True)
class Origin:
    """The resource and the instrumentation scope that something comes from."""

    resource: dict[str, Any]
    scope: str
    scope_version: str
    schema_url: str


class Recorded:
    """What has an origin."""

    origin: Origin

    @property
    def resource(self) -> dict[str, Any]:
        """Attributes of the resource."""
        return self.origin.resource

    @property
    def scope(self) -> str:
        """Name of the instrumentation scope."""
        return self.origin.scope


@dataclass(frozen=True)
class Event:
    """An event on a span; time in nanoseconds since the epoch."""

    name: str
    time: int
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Link:
    """A link to a span, by its ids in hex."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Dropped:
    """How many of each the limits have cost a span."""

    attributes: int
    events: int
    links: int


@dataclass(frozen=True)
class Span(Recorded):
    """A span: ids in hex ("" without a parent), times in nanoseconds since the epoch.

    `kind` is one of internal, server, client, producer and consumer; `status` unset, ok or error.
    """

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    trace_state: str
    flags: int
    start: int
    end: int
    attributes: dict[str, Any]
    status: str
    status_message: str
    events: list[Event]
    links: list[Link]
    dropped: Dropped
    origin: Origin


@dataclass(frozen=True)
class Point:
    """One series of a metric: a histogram's point, or a number in `value`."""

    attributes: dict[str, Any]
    start: int
    time: int
    value: float | None = None
    count: int = 0
    sum: float = 0.0
    min: float | None = None
    max: float | None = None
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()


@dataclass(frozen=True)
class Metric(Recorded):
    """A metric as one export showed it; `kind` is histogram, sum or gauge."""

    name: str
    unit: str
    description: str
    kind: str
    cumulative: bool
    points: list[Point]
    origin: Origin


@dataclass(frozen=True)
class Log(Recorded):
    """A log record; ids in hex, "" outside of a span."""

    body: Any
    event_name: str
    severity: int
    severity_text: str
    time: int
    trace_id: str
    span_id: str
    attributes: dict[str, Any]
    origin: Origin


def value_of(value: AnyValue) -> Any:
    """A value of OTLP in Python: str, bool, int, float, bytes, list, dict or None."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value_of(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return attributes_of(value.kvlist_value.values)
    return getattr(value, kind)


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes as a dict; a key that stands twice, which OTLP forbids, is an error."""
    attributes: dict[str, Any] = {}
    for pair in pairs:
        assert pair.key not in attributes, f"{pair.key} stands twice"
        attributes[pair.key] = value_of(pair.value)
    return attributes


def spans_in(message: ExportTraceServiceRequest) -> Iterator[Span]:
    """All spans of an export."""
    for resource in message.resource_spans:
        for scope in resource.scope_spans:
            origin = origin_of(resource.resource.attributes, scope.scope, scope.schema_url)
            for span in scope.spans:
                yield span_of(span, origin)


def metrics_in(message: ExportMetricsServiceRequest) -> Iterator[Metric]:
    """All metrics of an export."""
    for resource in message.resource_metrics:
        for scope in resource.scope_metrics:
            origin = origin_of(resource.resource.attributes, scope.scope, scope.schema_url)
            for metric in scope.metrics:
                yield metric_of(metric, origin)


def logs_in(message: ExportLogsServiceRequest) -> Iterator[Log]:
    """All log records of an export."""
    for resource in message.resource_logs:
        for scope in resource.scope_logs:
            origin = origin_of(resource.resource.attributes, scope.scope, scope.schema_url)
            for record in scope.log_records:
                yield Log(
                    body=value_of(record.body),
                    event_name=record.event_name,
                    severity=record.severity_number,
                    severity_text=record.severity_text,
                    time=record.time_unix_nano,
                    trace_id=record.trace_id.hex(),
                    span_id=record.span_id.hex(),
                    attributes=attributes_of(record.attributes),
                    origin=origin,
                )


def origin_of(resource: Iterable[KeyValue], scope: InstrumentationScope, schema_url: str) -> Origin:
    """Where everything of one scope comes from."""
    return Origin(attributes_of(resource), scope.name, scope.version, schema_url)


def span_of(span: trace_pb2.Span, origin: Origin) -> Span:
    """One span."""
    return Span(
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        trace_state=span.trace_state,
        flags=span.flags,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=attributes_of(span.attributes),
        status=trace_pb2.Status.StatusCode.Name(span.status.code)
        .removeprefix("STATUS_CODE_")
        .lower(),
        status_message=span.status.message,
        events=[
            Event(event.name, event.time_unix_nano, attributes_of(event.attributes))
            for event in span.events
        ],
        links=[
            Link(
                link.trace_id.hex(),
                link.span_id.hex(),
                link.trace_state,
                attributes_of(link.attributes),
            )
            for link in span.links
        ],
        dropped=Dropped(
            span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count
        ),
        origin=origin,
    )


def metric_of(metric: metrics_pb2.Metric, origin: Origin) -> Metric:
    """One metric with all its points."""
    kind = metric.WhichOneof("data") or "empty"
    data = getattr(metric, kind)
    cumulative = metrics_pb2.AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    read_point = histogram_point if kind == "histogram" else number_point
    return Metric(
        name=metric.name,
        unit=metric.unit,
        description=metric.description,
        kind=kind,
        cumulative=getattr(data, "aggregation_temporality", None) == cumulative,
        points=[read_point(point) for point in data.data_points],
        origin=origin,
    )


def histogram_point(point: metrics_pb2.HistogramDataPoint) -> Point:
    """One series of a histogram."""
    return Point(
        attributes=attributes_of(point.attributes),
        start=point.start_time_unix_nano,
        time=point.time_unix_nano,
        count=point.count,
        sum=point.sum,
        min=point.min if point.HasField("min") else None,
        max=point.max if point.HasField("max") else None,
        bounds=tuple(point.explicit_bounds),
        buckets=tuple(point.bucket_counts),
    )


def number_point(point: metrics_pb2.NumberDataPoint) -> Point:
    """One series of a sum or a gauge."""
    return Point(
        attributes=attributes_of(point.attributes),
        start=point.start_time_unix_nano,
        time=point.time_unix_nano,
        value=getattr(point, point.WhichOneof("value") or "as_int"),
    )
