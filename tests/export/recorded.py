"""What may be recorded, and the same as the classes of opentelemetry-proto would hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.trace.v1 import trace_pb2

from otel_run.signals.description import Description, Outcome, Peer, Scope
from otel_run.signals.span import Event, Extras, Link, Span

UINT64 = (1 << 64) - 1


@dataclass
class Limits:
    """The part of the settings that an encoder reads."""

    attribute_count_limit: int = 128
    attribute_length_limit: int | None = None
    span_event_count_limit: int = 128
    span_link_count_limit: int = 128
    event_attribute_count_limit: int = 128
    link_attribute_count_limit: int = 128


few = st.integers(0, 5)
limits = st.builds(
    Limits,
    st.one_of(few, st.just(20), st.just(128)),
    st.one_of(st.none(), few),
    st.one_of(few, st.just(128)),
    st.one_of(few, st.just(128)),
    st.one_of(few, st.just(128)),
    st.one_of(few, st.just(128)),
)

texts = st.text(st.characters(exclude_categories=()), max_size=12)
numbers = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1), st.integers(), st.integers(-2, 200), st.floats()
)
scalars = st.one_of(texts, st.booleans(), numbers, st.binary(max_size=12), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(texts, inner, max_size=4),
    ),
    max_leaves=10,
)
# Few keys, so that the parts of a span meet in some.
keys = st.one_of(st.sampled_from(["a", "b", "c", "", "http.route"]), texts)
attributes = st.dictionaries(keys, values, max_size=6)
times = st.integers(0, UINT64)
span_ids = st.integers(1, UINT64)
trace_ids = st.integers(1, (1 << 128) - 1)
counts = st.integers(0, (1 << 32) - 200)

scopes = st.builds(Scope, texts, texts)
events = st.builds(Event, texts, times, attributes)
links = st.builds(
    Link, trace_ids, span_ids, sampled=st.booleans(), trace_state=texts, attributes=attributes
)


@st.composite
def extras(draw: st.DrawFn) -> Extras:
    """What few spans have."""
    drawn = Extras()
    drawn.events = draw(st.lists(events, max_size=4))
    drawn.links = draw(st.lists(links, max_size=4))
    drawn.message = draw(texts)
    drawn.dropped_attributes = draw(counts)
    drawn.dropped_events = draw(counts)
    drawn.dropped_links = draw(counts)
    return drawn


descriptions = st.builds(Description, scopes, texts, st.integers(1, 5), attributes, st.just({}))
# Their keys are theirs alone.
peers = st.builds(
    Peer, st.dictionaries(st.sampled_from(["peer 1", "peer 2", "peer 3", "peer 4"]), values)
)
outcomes = st.builds(Outcome, texts, attributes, st.integers(0, 2), st.none())


@st.composite
def spans(draw: st.DrawFn, described: st.SearchStrategy[Description] = descriptions) -> Span:
    """A finished span."""
    span = Span(
        draw(trace_ids),
        draw(span_ids),
        draw(st.one_of(st.just(0), span_ids)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(texts),
        None,
        draw(described),
        draw(times),
    )
    span.end = draw(times)
    span.attributes = draw(st.one_of(st.none(), attributes))
    span.outcome = draw(st.one_of(st.none(), outcomes))
    span.extras = draw(st.one_of(st.none(), extras()))
    span.peer = draw(st.one_of(st.none(), peers))
    return span


def clean(text: str) -> str:
    """Return text that has a UTF-8 encoding."""
    return text.encode("utf-8", "replace").decode()


def any_value(  # noqa: PLR0911  one a type
    value: Any, limit: int | None = None
) -> AnyValue:
    """Return the message of a value whose texts and bytes are cut to the limit."""
    if isinstance(value, str):
        return AnyValue(string_value=clean(value[:limit]))
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            return AnyValue(int_value=value)
        return AnyValue(string_value=str(value)[:limit])
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value[:limit])
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=key_values(value, limit)))
    if value is None:
        return AnyValue()
    return AnyValue(array_value=ArrayValue(values=[any_value(one, limit) for one in value]))


def key_values(pairs: dict[str, Any], limit: int | None = None) -> list[KeyValue]:
    """Return the messages of all attributes."""
    return [KeyValue(key=clean(key), value=any_value(value, limit)) for key, value in pairs.items()]


def first(pairs: dict[str, Any], count: int) -> dict[str, Any]:
    """Return the first `count` attributes."""
    return dict(list(pairs.items())[:count])


def expected_scope(scope: Scope) -> InstrumentationScope:
    """Return a scope's message."""
    return InstrumentationScope(name=clean(scope.name), version=clean(scope.version))


def expected_event(event: Event, limits: Limits) -> trace_pb2.Span.Event:
    """Return an event's message."""
    attributes = dict(event.attributes)
    limit = limits.event_attribute_count_limit
    return trace_pb2.Span.Event(
        time_unix_nano=event.time,
        name=clean(event.name),
        attributes=key_values(first(attributes, limit), limits.attribute_length_limit),
        dropped_attributes_count=max(len(attributes) - limit, 0),
    )


def expected_link(link: Link, limits: Limits) -> trace_pb2.Span.Link:
    """Return a link's message."""
    attributes = dict(link.attributes)
    limit = limits.link_attribute_count_limit
    return trace_pb2.Span.Link(
        trace_id=link.trace_id.to_bytes(16, "big"),
        span_id=link.span_id.to_bytes(8, "big"),
        trace_state=clean(link.trace_state),
        attributes=key_values(first(attributes, limit), limits.attribute_length_limit),
        dropped_attributes_count=max(len(attributes) - limit, 0),
        flags=1 if link.sampled else 0,
    )


def expected_span(span: Span, limits: Limits) -> trace_pb2.Span:
    """Return a span's message, within the limits."""
    ended = span.outcome or Outcome(span.description.name, {}, 0, None)
    more = span.extras or Extras()
    at_other_end = span.peer.attributes if span.peer else {}
    merged = {
        **span.description.attributes,
        **ended.attributes,
        **at_other_end,
        **(span.attributes or {}),
    }
    kept = first(merged, limits.attribute_count_limit)
    kept_events = more.events[: limits.span_event_count_limit]
    kept_links = more.links[: limits.span_link_count_limit]
    message = trace_pb2.Span(
        trace_id=span.trace_id.to_bytes(16, "big"),
        span_id=span.span_id.to_bytes(8, "big"),
        trace_state=clean(span.trace_state),
        parent_span_id=span.parent_id.to_bytes(8, "big") if span.parent_id else b"",
        flags=expected_flags(span),
        name=clean(ended.name),
        kind=trace_pb2.Span.SpanKind.ValueType(span.description.kind),
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=key_values(kept, limits.attribute_length_limit),
        dropped_attributes_count=more.dropped_attributes + len(merged) - len(kept),
        events=[expected_event(event, limits) for event in kept_events],
        dropped_events_count=more.dropped_events + len(more.events) - len(kept_events),
        links=[expected_link(link, limits) for link in kept_links],
        dropped_links_count=more.dropped_links + len(more.links) - len(kept_links),
    )
    if ended.status or more.message:
        message.status.code = trace_pb2.Status.StatusCode.ValueType(ended.status)
        message.status.message = clean(more.message)
    return message


def expected_flags(span: Span) -> int:
    """Return the W3C flags, and what is known of the parent."""
    sampled = 1 if span.sampled else 0
    remote = 0x200 if span.parent_id and span.parent_is_remote else 0
    return sampled | 0x100 | remote
