"""What the two HTTP conventions share."""

from __future__ import annotations

from otel_run import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.signals.values import Value

# Seconds (semantic conventions, http/http-metrics.md).
DURATION_BOUNDARIES = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip

KNOWN_METHODS = settings.current().known_methods
OTHER = "_OTHER"

# How the standard library counts the versions of the protocol.
PROTOCOL_VERSIONS = {9: "0.9", 10: "1.0", 11: "1.1", 20: "2", 30: "3"}


def method_attributes(method: str | bytes) -> dict[str, Value]:
    """Return the attributes that say which method it is."""
    if isinstance(method, bytes):  # which httpx sends as well
        method = method.decode("latin-1")
    if method in KNOWN_METHODS:
        return {"http.request.method": method}
    known = method.upper()
    if known not in KNOWN_METHODS:
        known = OTHER
    return {"http.request.method": known, "http.request.method_original": method}


def span_name(method: Value) -> str:
    """Return the span's name where nothing else is known: the method."""
    return "HTTP" if method == OTHER else str(method)
