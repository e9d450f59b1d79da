"""What a collector says about the requests it was sent, as far as it can be believed."""

from __future__ import annotations

from otel_run.export.protobuf import read_fields

# Characters of its words that are shown.
LONGEST = 200

# An int64 from there on, read as unsigned, is below zero.
_NEGATIVE = 1 << 63


class Rejection:
    """Records that were not taken, out of a request that was; or only a warning, with count 0."""

    __slots__ = ("count", "message")

    def __init__(self, count: int, message: str) -> None:
        self.count = count
        self.message = message


def read_rejection(body: bytes, count: int) -> Rejection:
    """Read an Export…ServiceResponse to a request of `count` records; it is the same of any signal.

    Where it is none, nothing was rejected.
    """
    partial_success = _fields(body).get(1, b"")
    if not isinstance(partial_success, bytes):
        return Rejection(0, "")
    fields = _fields(partial_success)
    rejected = fields.get(1, 0)
    if not isinstance(rejected, int) or rejected >= _NEGATIVE:
        rejected = 0
    return Rejection(min(rejected, count), _text(fields.get(2, b"")))


def read_reason(body: bytes) -> str:
    """Read why a request failed: a Status (google/rpc/status.proto), or else plain text."""
    return _text(_fields(body).get(2, b"")) or _text(body)


def _fields(message: bytes) -> dict[int, int | bytes]:
    try:
        return dict(read_fields(message))
    except ValueError:
        return {}


def _text(value: int | bytes) -> str:
    if not isinstance(value, bytes):
        return ""
    text = value[: 4 * LONGEST].decode("utf-8", "ignore").strip()
    # Pages and binary rubbish say nothing in a line.
    return text[:LONGEST] if text.isprintable() and not text.startswith("<") else ""
