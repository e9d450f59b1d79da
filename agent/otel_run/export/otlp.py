"""OTLP's trace messages, written by hand (opentelemetry-proto, trace/v1/trace.proto).

The fields of a message may come in any order, so all of a span that have a fixed size are one
`struct.pack`. What calls of one ending have in common is encoded once, and kept in the outcome.
"""

from __future__ import annotations

from _struct import Struct, pack

from otel_run.export.attributes import AttributeEncoder
from otel_run.export.protobuf import SMALL, VARINTS, field, utf8, varint
from otel_run.signals.description import Peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final, Protocol

    from otel_run.export.attributes import Known
    from otel_run.signals.description import Outcome, Scope
    from otel_run.signals.span import Event, Extras, Link, Span
    from otel_run.signals.values import Attributes

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

# Trace id, span id, parent's span id; start and end, each after its tag; then kind and flags.
_pack_child: Final = Struct("<2s16s2s8s2s8sBQBQ8s").pack
_pack_root: Final = Struct("<2s16s2s8sBQBQ8s").pack

# Span.flags: the W3C flags, then whether it is known that the parent is remote, and whether it is.
_SAMPLED, _REMOTE_KNOWN, _REMOTE = 0x001, 0x100, 0x200


def _with_flags(flags: int) -> list[bytes]:
    """Return the fields of kind and flags, for each kind."""
    return [pack("<BBHI", 0x30, kind, 0x0185, flags) for kind in range(6)]


_LOCAL: Final = _with_flags(_REMOTE_KNOWN | _SAMPLED)
# By whether the parent is remote, and whether the span is sampled.
_KINDS: Final = {
    (False, False): _with_flags(_REMOTE_KNOWN),
    (False, True): _LOCAL,
    (True, False): _with_flags(_REMOTE_KNOWN | _REMOTE),
    (True, True): _with_flags(_REMOTE_KNOWN | _REMOTE | _SAMPLED),
}

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

# So many keys are kept of attributes that spans have beside their outcomes'.
KEPT_KEYS = 2048


class Encoder:
    """Encodes spans, within the limits of the settings; belongs to one thread.

    Where parts of a span have a key in common, the span's own attribute counts, then the outcome's.
    """

    def __init__(self, limits: Limits) -> None:
        self.epoch = 0  # when the clock of the spans began, in ns since the epoch
        length = limits.attribute_length_limit
        self._limits = limits
        self._attributes = AttributeEncoder(_ATTRIBUTE, length)
        # What `_attributes` knows, as far as spans of an outcome had it beside the outcome's own.
        self._own: dict[Outcome, Known] = {}
        self._kept_keys = 0
        self._trace_id = 0
        self._trace_id_bytes = bytes(16)
        self._event_attributes = AttributeEncoder(b"\x1a", length)
        self._link_attributes = AttributeEncoder(b"\x22", length)

    def span(self, span: Span) -> tuple[bytes, bytes, bytes]:
        """Return the `ScopeSpans.spans` field of a finished span: its tag, length and content.

        It is flat, with the tags of the fields of fixed size in it, since that is all there is to
        most spans: to call a function costs as much as three fields, to look for a name a third.
        """
        trace_id, parent_id, epoch = span.trace_id, span.parent_id, self.epoch
        if trace_id is not self._trace_id:  # spans of one trace tend to come together
            self._trace_id_bytes = trace_id.to_bytes(16, "big")
            self._trace_id = trace_id
        if parent_id:
            fixed = _pack_child(
                b"\x0a\x10",
                self._trace_id_bytes,
                b"\x12\x08",
                span.span_id.to_bytes(8, "big"),
                b"\x22\x08",
                parent_id.to_bytes(8, "big"),
                0x39,
                span.start + epoch,
                0x41,
                span.end + epoch,
                _kind(span)
                if span.parent_is_remote or not span.sampled
                else _LOCAL[span.description.kind],
            )
        else:
            fixed = _pack_root(
                b"\x0a\x10",
                self._trace_id_bytes,
                b"\x12\x08",
                span.span_id.to_bytes(8, "big"),
                0x39,
                span.start + epoch,
                0x41,
                span.end + epoch,
                _LOCAL[span.description.kind] if span.sampled else _kind(span),
            )
        outcome = span.outcome
        if outcome is None or span.extras is not None or span.trace_state or not outcome.encoded:
            parts = [fixed]
            self._add_unusual(span, parts)
        else:
            parts = [fixed, outcome.encoded]
            if span.peer is not None:
                parts.append(span.peer.encoded or self._peer(span.peer))
            if span.attributes:
                self._add_own(span, outcome, span.attributes, parts)
        content = b"".join(parts)
        size = len(content)
        return _SPAN, VARINTS[size] if size < SMALL else varint(size), content

    def _add_own(self, span: Span, outcome: Outcome, own: Attributes, parts: list[bytes]) -> None:
        """Add a span's own attributes to the outcome's, or all anew where that is not the same."""
        if len(own) > _FEW - Peer.MOST:
            self._start_anew(span, parts)
            return
        try:
            known = self._own[outcome]
        except KeyError:
            known = self._keep(outcome)
        texts = known[str]
        for key, value in own.items():
            try:
                parts.append(  # most are texts
                    texts[key][value] if type(value) is str else known[type(value)][key][value]
                )
            except KeyError:  # noqa: PERF203  where nothing is raised it costs nothing
                if not _is_apart(span, outcome, own):
                    self._start_anew(span, parts)
                    return
                parts.append(self._attributes.add(key, value))
                self._keep_key(known, key, type(value))

    def _start_anew(self, span: Span, parts: list[bytes]) -> None:
        """Leave but what is of fixed size, and add the rest as one."""
        del parts[1:]
        self._add_unusual(span, parts)

    def _keep(self, outcome: Outcome) -> Known:
        self._make_room()
        known = self._own[outcome] = {kind: {} for kind in self._attributes.known}
        return known

    def _keep_key(self, known: Known, key: str, kind: type) -> None:
        """Have an attribute found at once the next time, if it can be."""
        cached = self._attributes.known.get(kind, {}).get(key)
        if cached is not None and known[kind].get(key) is not cached:
            self._make_room()
            known[kind][key] = cached

    def _make_room(self) -> None:
        if self._kept_keys >= KEPT_KEYS:
            self._own.clear()
            self._kept_keys = 0
        self._kept_keys += 1

    def _add_unusual(self, span: Span, parts: list[bytes]) -> None:
        """Add all but what is of fixed size, whatever there is."""
        outcome, own, extras = span.outcome, span.attributes or {}, span.extras
        common = None if outcome is None else outcome.encoded or self._describe(span, outcome)
        dropped = 0
        if (
            outcome is None
            or common is None
            or (extras is not None and extras.message)
            or not _is_apart(span, outcome, own)
        ):
            dropped = self._add_merged(span, parts)
        else:
            peer = b"" if span.peer is None else self._peer(span.peer)
            parts += [common, peer, self._attributes.fields(own)]
        if dropped or extras is not None or span.trace_state:
            self._add_rare(span, parts, dropped)

    def _peer(self, peer: Peer) -> bytes:
        """Return what calls of this peer have in common."""
        if peer.encoded is None:
            peer.encoded = self._attributes.fields_once(peer.attributes)
        return peer.encoded

    def _describe(self, span: Span, outcome: Outcome) -> bytes | None:
        """Encode what calls of this ending have in common, unless the limit may cut it."""
        common = {**span.description.attributes, **outcome.attributes}
        if len(common) + _FEW > self._limits.attribute_count_limit:
            return None
        outcome.encoded = b"".join(
            (_name(outcome.name), self._attributes.fields(common), _STATUSES[outcome.status])
        )
        return outcome.encoded

    def _add_merged(self, span: Span, parts: list[bytes]) -> int:
        outcome, extras = span.outcome, span.extras
        merged = {**span.description.attributes}
        if outcome is not None:
            merged.update(outcome.attributes)
        if span.peer is not None:
            merged.update(span.peer.attributes)
        merged.update(span.attributes or {})
        status = _STATUSES[0 if outcome is None else outcome.status]
        if extras is not None and extras.message:
            # In one field: not every reader merges two, as protobuf has it.
            status = field(_STATUS, status[2:] + field(b"\x12", utf8(extras.message)))
        parts += [_name(span.name), status]
        return _add_limited(parts, merged, self._attributes, self._limits.attribute_count_limit)

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
        parts = [pack("<BQ", 0x09, event.time + self.epoch), field(b"\x12", utf8(event.name))]
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


def _name(name: str) -> bytes:
    return field(_NAME, utf8(name))


def _kind(span: Span) -> bytes:
    """Return the fields of kind and flags, whatever the flags."""
    is_remote = bool(span.parent_is_remote and span.parent_id)
    return _KINDS[is_remote, bool(span.sampled)][span.description.kind]


def _is_apart(span: Span, outcome: Outcome, own: Attributes) -> bool:
    """Whether these attributes can be added to what is encoded: few, and with keys of their own."""
    keys = own.keys()
    return (
        len(own) <= _FEW - Peer.MOST
        and keys.isdisjoint(span.description.attributes)
        and keys.isdisjoint(outcome.attributes)
    )


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


def request(resource: bytes, scopes: Iterable[tuple[Scope, Sequence[bytes]]]) -> bytes:
    """Return the request of any signal; what each scope recorded comes as encoded fields.

    A request of one signal has the field numbers of every other's. What was recorded is long, and
    copied once.
    """
    parts = [field(b"\x0a", resource), field(b"\x1a", SCHEMA_URL)]
    for scope, recorded in scopes:
        named = _scope(scope)
        parts += [b"\x12", varint(len(named) + sum(map(len, recorded))), named, *recorded]
    return b"".join([b"\x0a", varint(sum(map(len, parts))), *parts])


def _scope(scope: Scope) -> bytes:
    """Return the fields that name the scope and its schema."""
    if scope.encoded is None:
        name, version = field(b"\x0a", utf8(scope.name)), field(b"\x12", utf8(scope.version))
        scope.encoded = field(b"\x0a", name + version) + field(b"\x1a", SCHEMA_URL)
    return scope.encoded
