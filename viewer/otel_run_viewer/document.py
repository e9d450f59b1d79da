"""A run as one JSON document, for jq, scripts and whoever else reads.

    {"run": name, "dropped": records lost, "traces": [trace…], "metrics": [series…]}
    trace: {"trace_id", "start_time_unix_nano", "duration_nano", "services", "errors", "spans"}
    span: OTLP's names, with ids in hex, times as integers and attributes as plain JSON
    series: the metric and its last point (of deltas, every point)

JSON has no bytes, which become base64, and no NaN or infinity, which become strings.
"""

from __future__ import annotations

import base64
import json
import math
from typing import TYPE_CHECKING, Any, TextIO

from otel_run_viewer.telemetry import CUMULATIVE, NumberPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from otel_run_viewer.run import Run
    from otel_run_viewer.telemetry import (
        Attributes,
        Event,
        HistogramPoint,
        Link,
        Metric,
        Span,
        Value,
    )
    from otel_run_viewer.trace import Trace

STATUSES = ("unset", "ok", "error")
# What tells a series from the others.
IDENTITY = ("name", "kind", "attributes", "resource", "scope")
TEMPORALITIES = ("unspecified", "delta", "cumulative")


def write_document(run: Run, traces: Iterable[Trace], stream: TextIO) -> None:
    """Write these traces of a run, one a line, and its metrics, one series a line."""
    stream.write(f'{{"run": {_encode(run.name)}, "dropped": {run.dropped}, "traces": [')
    _write_items(map(_describe_trace, traces), stream)
    stream.write('], "metrics": [')
    _write_items(_latest(run.metrics), stream)
    stream.write("]}\n")


def _write_items(items: Iterable[dict[str, Any]], stream: TextIO) -> None:
    separator = "\n"
    for item in items:  # one at a time: a run may be large
        stream.write(separator + _encode(item))
        separator = ",\n"


def _encode(value: Any) -> str:
    # Only ASCII, so that what could harm a terminal is escaped.
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def plain(value: Value) -> Any:
    """Give an attribute's value as JSON has it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return _plain_map(value)
    return value


def _plain_map(attributes: Attributes) -> dict[str, Any]:
    return {key: plain(value) for key, value in attributes.items()}


def _describe_trace(trace: Trace) -> dict[str, Any]:
    return {
        "trace_id": trace.trace_id,
        "start_time_unix_nano": trace.start,
        "duration_nano": trace.duration,
        "services": trace.services,
        "errors": trace.errors,
        "spans": [_describe_span(span) for span in trace.spans],
    }


def _describe_span(span: Span) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "trace_state": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": span.kind_name,
        "start_time_unix_nano": span.start,
        "end_time_unix_nano": span.end,
        "duration_nano": span.duration,
        **_describe_attributes(span),
        "events": [_describe_event(event) for event in span.events],
        "dropped_events_count": span.dropped_events,
        "links": [_describe_link(link) for link in span.links],
        "dropped_links_count": span.dropped_links,
        "status": {"code": _choose(STATUSES, span.status), "message": span.status_message},
        **_describe_origin(span),
    }


def _describe_event(event: Event) -> dict[str, Any]:
    return {
        "time_unix_nano": event.time,
        "name": event.name,
        **_describe_attributes(event),
    }


def _describe_link(link: Link) -> dict[str, Any]:
    return {
        "trace_id": link.trace_id,
        "span_id": link.span_id,
        "trace_state": link.trace_state,
        "flags": link.flags,
        **_describe_attributes(link),
    }


def _describe_attributes(owner: Span | Event | Link) -> dict[str, Any]:
    return {
        "attributes": _plain_map(owner.attributes),
        "dropped_attributes_count": owner.dropped_attributes,
    }


def _describe_origin(recorded: Span | Metric) -> dict[str, Any]:
    scope = recorded.scope
    return {
        "resource": _plain_map(recorded.resource.attributes),
        "scope": {
            "name": scope.name,
            "version": scope.version,
            "attributes": _plain_map(scope.attributes),
        },
    }


def _latest(metrics: list[Metric]) -> Iterator[dict[str, Any]]:
    series: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        for point in metric.points:
            described = _describe_series(metric, point)
            if metric.kind != "gauge" and metric.temporality != CUMULATIVE:
                yield described
                continue
            key = _encode([described[part] for part in IDENTITY])
            if key not in series or series[key]["time_unix_nano"] <= point.time:
                series[key] = described
    yield from series.values()


def _describe_series(metric: Metric, point: NumberPoint | HistogramPoint) -> dict[str, Any]:
    return {
        "name": metric.name,
        "description": metric.description,
        "unit": metric.unit,
        "kind": metric.kind,
        "temporality": _choose(TEMPORALITIES, metric.temporality),
        "monotonic": metric.monotonic,
        "attributes": _plain_map(point.attributes),
        "start_time_unix_nano": point.start,
        "time_unix_nano": point.time,
        **_describe_point(point),
        **_describe_origin(metric),
    }


def _describe_point(point: NumberPoint | HistogramPoint) -> dict[str, Any]:
    if isinstance(point, NumberPoint):
        return {"value": plain(point.value)}
    return {
        "count": point.count,
        "sum": plain(point.sum),
        "min": plain(point.min),
        "max": plain(point.max),
        "bucket_counts": list(point.bucket_counts),
        "explicit_bounds": plain(point.explicit_bounds),
    }


def _choose(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else names[0]
