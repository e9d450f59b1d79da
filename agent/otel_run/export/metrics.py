"""OTLP's metrics messages, written by hand (opentelemetry-proto, metrics/v1/metrics.proto)."""

from __future__ import annotations

from _struct import pack

from otel_run.export.attributes import AttributeEncoder
from otel_run.export.otlp import request
from otel_run.export.protobuf import field, utf8
from otel_run.signals.metrics import Distribution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from otel_run.signals.description import Scope
    from otel_run.signals.metrics import Instrument, Series

# The limits of attributes are not for those of metrics.
_ATTRIBUTES: Final = AttributeEncoder(b"\x4a", None)
_SUM_ATTRIBUTES: Final = AttributeEncoder(b"\x3a", None)

# The field of Metric that holds its data.
_HISTOGRAM: Final = b"\x4a"
_SUM: Final = b"\x3a"

# aggregation_temporality of both: cumulative. A sum is not monotonic, which is the default.
_CUMULATIVE: Final = b"\x10\x02"


def metrics_request(resource: bytes, instruments: Iterable[Instrument], now: int) -> bytes:
    """Return an ExportMetricsServiceRequest of all points until `now` (ns); empty without any."""
    scopes: dict[Scope, list[bytes]] = {}
    for instrument in instruments:
        points = [_point(series, now) for series in instrument.settled()]
        if points:
            scopes.setdefault(instrument.scope, []).append(_metric(instrument, points))
    if not scopes:
        return b""
    return request(resource, scopes.items())


def _metric(instrument: Instrument, points: list[bytes]) -> bytes:
    """Return the `ScopeMetrics.metrics` field of an instrument."""
    named = (
        field(b"\x0a", utf8(instrument.name))
        + field(b"\x12", utf8(instrument.description))
        + field(b"\x1a", utf8(instrument.unit))
    )
    data = _HISTOGRAM if issubclass(instrument.kind, Distribution) else _SUM
    return field(b"\x12", named + field(data, b"".join(points) + _CUMULATIVE))


def _point(series: Series, now: int) -> bytes:
    """Return the `data_points` field of a series."""
    times = pack("<BQBQ", 0x11, series.instrument.start, 0x19, now)
    if isinstance(series, Distribution):
        return _distribution(series, times)
    if series.encoded is None:
        series.encoded = _SUM_ATTRIBUTES.fields(series.attributes)
    return field(b"\x0a", series.encoded + times + pack("<Bq", 0x31, int(series.sum)))


def _distribution(series: Distribution, times: bytes) -> bytes:
    if series.encoded is None:
        series.encoded = _ATTRIBUTES.fields(series.attributes)
    boundaries, counts = series.instrument.boundaries, series.counts
    numbers = pack("<BQBd", 0x21, series.count, 0x29, series.sum)
    buckets = field(b"\x32", pack(f"<{len(counts)}Q", *counts))
    bounds = field(b"\x3a", pack(f"<{len(boundaries)}d", *boundaries))
    extremes = pack("<BdBd", 0x59, series.minimum, 0x61, series.maximum)
    return field(b"\x0a", series.encoded + times + numbers + buckets + bounds + extremes)
