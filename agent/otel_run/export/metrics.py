"""OTLP's metrics messages, written by hand (opentelemetry-proto, metrics/v1/metrics.proto)."""

from __future__ import annotations

from struct import pack

from otel_run.export.attributes import AttributeEncoder
from otel_run.export.otlp import request
from otel_run.export.protobuf import field, utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from otel_run.signals.description import Scope
    from otel_run.signals.metrics import Histogram, Series

# The limits of attributes are not for those of metrics.
_ATTRIBUTES: Final = AttributeEncoder(b"\x4a", None)

# Histogram.aggregation_temporality: cumulative.
_CUMULATIVE: Final = b"\x10\x02"


def metrics_request(resource: bytes, instruments: Iterable[Histogram], now: int) -> bytes:
    """Return an ExportMetricsServiceRequest of all points until `now` (ns); empty without any."""
    scopes: dict[Scope, list[bytes]] = {}
    for instrument in instruments:
        points = [_point(series, now) for series in instrument.settled()]
        if points:
            scopes.setdefault(instrument.scope, []).append(_metric(instrument, points))
    if not scopes:
        return b""
    return request(resource, [(scope, b"".join(metrics)) for scope, metrics in scopes.items()])


def _metric(instrument: Histogram, points: list[bytes]) -> bytes:
    """Return the `ScopeMetrics.metrics` field of a histogram."""
    named = (
        field(b"\x0a", utf8(instrument.name))
        + field(b"\x12", utf8(instrument.description))
        + field(b"\x1a", utf8(instrument.unit))
    )
    return field(b"\x12", named + field(b"\x4a", b"".join(points) + _CUMULATIVE))


def _point(series: Series, now: int) -> bytes:
    """Return the `Histogram.data_points` field of a series."""
    if series.encoded is None:
        series.encoded = _ATTRIBUTES.fields(series.attributes)
    boundaries, counts = series.instrument.boundaries, series.counts
    times = pack("<BQBQ", 0x11, series.instrument.start, 0x19, now)
    numbers = pack("<BQBd", 0x21, series.count, 0x29, series.sum)
    buckets = field(b"\x32", pack(f"<{len(counts)}Q", *counts))
    bounds = field(b"\x3a", pack(f"<{len(boundaries)}d", *boundaries))
    extremes = pack("<BdBd", 0x59, series.minimum, 0x61, series.maximum)
    return field(b"\x0a", series.encoded + times + numbers + buckets + bounds + extremes)
