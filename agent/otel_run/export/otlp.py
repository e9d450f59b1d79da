"""OTLP's trace messages, written by hand (opentelemetry-proto, trace/v1/trace.proto).

The fields of a message may come in any order, so all of a span that have a fixed size are one
`struct.pack`. What calls of one ending have in common is encoded once, and kept in the outcome.
"""

from __future__ import annotations

from _struct import Struct, pack

from otel_run.export.attributes import CACHE_SIZE, CACHED_SIZE, AttributeEncoder
from otel_run.export.protobuf import field, utf8, varint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final, Protocol

    from otel_run.signals.description import Outcome, Scope
    from otel_run.signals.span import Event, Extras, Link, Span

    class Limits(Protocol):
        """The limits of the settings that an encoder keeps."""

        @property
        def attribute_count_limit(self) -> int: ...
        @property
        def attribute_length_limit(self) -> int | None: ...
        @property
        def span_event_count_limit(self) -> int: ...
        @property
        def span_link_count_limit(self) -> int: ...
        @property
        def event_attribute_count_limit(self) -> int: ...
        @property
        def link_attribute_count_limit(self) -> int: ...


SCHEMA_URL = b"https://opentelemetry.io/schemas/1.44.0"

# Trace id, span id, parent's span id; start, end, kind, flags: each after its tag.
_pack_child: Final = Struct("<H16sH8sH8sBQBQBBHI").pack
_pack_root: Final = Struct("<H16sH8sBQBQBBHI").pack
_TRACE_ID, _SPAN_ID, _PARENT_ID = 0x100A, 0x0812, 0x0822
_START, _END, _KIND, _FLAGS = 0x39, 0x41, 0x30, 0x0185

# Span.flags: the W3C flags, then whether it is known that the parent is remote, and whether it is.
_SAMPLED, _REMOTE_KNOWN, _REMOTE = 0x001, 0x100, 0x200

# The other fields of Span.
_TRACE_STATE: Final = b"\x1a"
_NAME: Final = b"\x2a"
_ATTRIBUTE: Final = b"\x4a"
_DROPPED_ATTRIBUTES: Final = b"\x50"
_EVENT: Final = b"\x5a"
_DROPPED_EVENTS: Final = b"\x60"
_LINK: Final = b"\x6a"
_DROPPED_LINKS: Final = b"\x70"
_STATUS: Final = b"\x7a"

# Span.status by its code; without one there is no field.
_STATUSES: Final = (b"", b"\x7a\x02\x18\x01", b"\x7a\x02\x18\x02")

# The field of ScopeSpans that holds a span.
_SPAN: Final = b"\x12"

# So many attributes a span may add to an outcome's without being held against the limit.
_FEW = 16


class Encoder:
    """Encodes spans, within the limits of the settings; belongs to one thread.

    Where parts of a span have a key in common, the span's own attribute counts, then the outcome's.
    """

    def __init__(self, limits: Limits) -> None:
        length = limits.attribute_length_limit
        self._limits = limits
        self._attributes = AttributeEncoder(_ATTRIBUTE, length)
        self._known = self._attributes.known
        self._event_attributes = AttributeEncoder(b"\x1a", length)
        self._link_attributes = AttributeEncoder(b"\x22", length)
        self._names: dict[str, bytes] = {}

    def span(self, span: Span) -> bytes:
        """Return the `ScopeSpans.spans` field of a finished span."""
        parts = [_fixed(span), self._names.get(span.name) or self._name(span.name)]
        dropped = self._add_attributes(span, parts)
        if dropped or span.extras is not None or span.trace_state:
            self._add_rare(span, parts, dropped)
        return field(_SPAN, b"".join(parts))

    def _add_attributes(self, span: Span, parts: list[bytes]) -> int:
        """Add the attributes and the status; return how many attributes are over the limit."""
        outcome, own = span.outcome, span.attributes
        common = None if outcome is None else outcome.encoded or self._describe(span, outcome)
        if common is None or outcome is None or _is_unusual(span):
            return self._add_merged(span, parts)
        parts.append(common)
        if not own:
            return 0
        described, ended, known = span.description.attributes, outcome.attributes, self._known
        for key, value in own.items():
            if key in described or key in ended:
                del parts[2:]
                return self._add_merged(span, parts)
            try:
                parts.append(known[type(value)][key][value])
            except KeyError:
                parts.append(self._attributes.add(key, value))
        return 0

    def _describe(self, span: Span, outcome: Outcome) -> bytes | None:
        """Encode what calls of this ending have in common, unless the limit may cut it."""
        common = {**span.description.attributes, **outcome.attributes}
        if len(common) + _FEW > self._limits.attribute_count_limit:
            return None
        outcome.encoded = self._attributes.fields(common) + _STATUSES[outcome.status]
        return outcome.encoded

    def _add_merged(self, span: Span, parts: list[bytes]) -> int:
        outcome, extras = span.outcome, span.extras
        merged = {**span.description.attributes}
        if outcome is not None:
            merged.update(outcome.attributes)
        merged.update(span.attributes or {})
        status = _STATUSES[0 if outcome is None else outcome.status]
        if extras is not None and extras.message:
            # In one field: not every reader merges two, as protobuf has it.
            status = field(_STATUS, status[2:] + field(b"\x12", utf8(extras.message)))
        parts.append(status)
        return _add_limited(parts, merged, self._attributes, self._limits.attribute_count_limit)

    def _name(self, name: str) -> bytes:
        encoded = field(_NAME, utf8(name))
        if len(encoded) <= CACHED_SIZE:
            if len(self._names) >= CACHE_SIZE:
                self._names.clear()
            self._names[name] = encoded
        return encoded

    def _add_rare(self, span: Span, parts: list[bytes], dropped: int) -> None:
        if span.trace_state:
            parts.append(field(_TRACE_STATE, utf8(span.trace_state)))
        extras = span.extras
        if extras is None:
            parts.append(_DROPPED_ATTRIBUTES + varint(dropped))
            return
        _add_count(parts, _DROPPED_ATTRIBUTES, dropped + extras.dropped_attributes)
        self._add_events(parts, extras)
        self._add_links(parts, extras)

    def _add_events(self, parts: list[bytes], extras: Extras) -> None:
        limit = self._limits.span_event_count_limit
        parts += [field(_EVENT, self._event(event)) for event in extras.events[:limit]]
        over = max(len(extras.events) - limit, 0)
        _add_count(parts, _DROPPED_EVENTS, extras.dropped_events + over)

    def _add_links(self, parts: list[bytes], extras: Extras) -> None:
        limit = self._limits.span_link_count_limit
        parts += [field(_LINK, self._link(link)) for link in extras.links[:limit]]
        over = max(len(extras.links) - limit, 0)
        _add_count(parts, _DROPPED_LINKS, extras.dropped_links + over)

    def _event(self, event: Event) -> bytes:
        parts = [pack("<BQ", 0x09, event.time), field(b"\x12", utf8(event.name))]
        limit = self._limits.event_attribute_count_limit
        dropped = _add_limited(parts, event.attributes, self._event_attributes, limit)
        _add_count(parts, b"\x20", dropped)
        return b"".join(parts)

    def _link(self, link: Link) -> bytes:
        parts = [
            field(b"\x0a", link.trace_id.to_bytes(16, "big")),
            field(b"\x12", link.span_id.to_bytes(8, "big")),
            field(b"\x1a", utf8(link.trace_state)),
            pack("<BI", 0x35, _SAMPLED if link.sampled else 0),
        ]
        limit = self._limits.link_attribute_count_limit
        dropped = _add_limited(parts, link.attributes, self._link_attributes, limit)
        _add_count(parts, b"\x28", dropped)
        return b"".join(parts)


def _fixed(span: Span) -> bytes:
    """Return the fields of fixed size: ids, times, kind and flags."""
    flags = _REMOTE_KNOWN | _SAMPLED if span.sampled else _REMOTE_KNOWN
    trace_id, span_id = span.trace_id.to_bytes(16, "big"), span.span_id.to_bytes(8, "big")
    last = _START, span.start, _END, span.end, _KIND, span.description.kind, _FLAGS
    if not span.parent_id:
        return _pack_root(_TRACE_ID, trace_id, _SPAN_ID, span_id, *last, flags)
    if span.parent_is_remote:
        flags |= _REMOTE
    parent_id = span.parent_id.to_bytes(8, "big")
    return _pack_child(_TRACE_ID, trace_id, _SPAN_ID, span_id, _PARENT_ID, parent_id, *last, flags)


def _is_unusual(span: Span) -> bool:
    """Whether a span has many attributes of its own, or a status with a message."""
    own, extras = span.attributes, span.extras
    return (own is not None and len(own) > _FEW) or (extras is not None and extras.message != "")


def _add_limited(
    parts: list[bytes], attributes: Mapping[str, object], encoder: AttributeEncoder, limit: int
) -> int:
    """Add at most `limit` attributes, the first ones; return how many were left out."""
    parts += [encoder.field(key, value) for key, value in list(attributes.items())[:limit]]
    return max(len(attributes) - limit, 0)


def _add_count(parts: list[bytes], tag: bytes, count: int) -> None:
    if count:
        parts.append(tag + varint(count))


def resource(attributes: Mapping[str, object]) -> bytes:
    """Return the Resource message; the limits are not for it."""
    return AttributeEncoder(b"\x0a", None).fields(attributes)


def trace_request(resource: bytes, scopes: Iterable[tuple[Scope, list[bytes]]]) -> bytes:
    """Return an ExportTraceServiceRequest: the encoded spans of one resource, by scope."""
    return request(resource, [(scope, b"".join(spans)) for scope, spans in scopes])


def request(resource: bytes, scopes: Iterable[tuple[Scope, bytes]]) -> bytes:
    """Return the request of any signal; what each scope recorded comes as encoded fields.

    A request of one signal has the field numbers of every other's.
    """
    parts = [field(b"\x0a", resource), field(b"\x1a", SCHEMA_URL)]
    parts += [field(b"\x12", _scope(scope) + recorded) for scope, recorded in scopes]
    return field(b"\x0a", b"".join(parts))


def _scope(scope: Scope) -> bytes:
    """Return the fields that name the scope and its schema."""
    if scope.encoded is None:
        name, version = field(b"\x0a", utf8(scope.name)), field(b"\x12", utf8(scope.version))
        scope.encoded = field(b"\x0a", name + version) + field(b"\x1a", SCHEMA_URL)
    return scope.encoded
