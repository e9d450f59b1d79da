"""What the encoder writes decodes, through opentelemetry-proto, to what was recorded."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from export import recorded
from otel_run.export import attributes as encoding
from otel_run.export.metrics import metrics_request
from otel_run.export.otlp import KEPT_KEYS, Encoder, request, resource
from otel_run.export.protobuf import read_fields
from otel_run.signals.description import Description, Outcome, Scope
from otel_run.signals.metrics import METER, Distribution, Histogram
from otel_run.signals.span import Span

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from export.recorded import Limits

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
SCOPE = Scope("scope", "1.0")
CUMULATIVE = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE


def assert_same(actual: Message, expected: Message) -> None:
    """Compare serialized, since NaN does not equal NaN; the texts are for the reader."""
    same = actual.SerializeToString(deterministic=True) == expected.SerializeToString(
        deterministic=True
    )

    assert same, f"{actual}\n--- is not ---\n{expected}"


def decoded_span(encoder: Encoder, span: Span) -> trace_pb2.Span:
    """Return the one span in what the encoder makes of it."""
    scope_spans = trace_pb2.ScopeSpans.FromString(b"".join(encoder.span(span)))
    assert len(scope_spans.spans) == 1
    return scope_spans.spans[0]


def encoded_spans(encoder: Encoder, spans: list[Span]) -> list[bytes]:
    """Return the pieces of all these spans."""
    return [piece for span in spans for piece in encoder.span(span)]


def plain_span(description: Description, own: Any = None, start: int = 5) -> Span:
    """Return a finished span with attributes of its own."""
    sampled, remote = True, False
    span = Span(1, 2, 0, sampled, remote, "", None, description, start)
    span.attributes = own
    span.outcome = description.outcomes.setdefault("end", Outcome("name", {}, 0, None))
    return span


def one_span(own: Any, limits: Limits | None = None) -> trace_pb2.Span:
    """Return the decoded span whose own attributes are these."""
    span = plain_span(Description(SCOPE, "name", 1, {}, {}), own)
    return decoded_span(Encoder(limits or recorded.Limits()), span)


@given(recorded.spans(), recorded.limits)
def test_a_span_decodes_to_what_was_recorded(span: Span, limits: Limits) -> None:
    encoder = Encoder(limits)
    expected = recorded.expected_span(span, limits)

    assert_same(decoded_span(encoder, span), expected)
    # Once more, now that the caches know its parts.
    assert_same(decoded_span(encoder, span), expected)


# Fewer examples than usual: each holds many spans.
some = settings(max_examples=40)


@some
@given(st.data(), recorded.limits)
def test_spans_that_share_descriptions_and_outcomes_keep_their_own(
    data: st.DataObject, limits: Limits
) -> None:
    encoder = Encoder(limits)
    descriptions = data.draw(st.lists(recorded.descriptions, min_size=1, max_size=2))
    for description in descriptions:
        description.outcomes = dict(enumerate(data.draw(st.lists(recorded.outcomes, max_size=2))))
    for span in data.draw(st.lists(recorded.spans(st.sampled_from(descriptions)), max_size=5)):
        ended = list(span.description.outcomes.values())
        span.outcome = data.draw(st.sampled_from(ended)) if ended else None

        assert_same(decoded_span(encoder, span), recorded.expected_span(span, limits))


@given(st.lists(recorded.values, max_size=30))
def test_values_that_are_equal_but_not_the_same_are_not_mixed_up(values: list[Any]) -> None:
    encoder = Encoder(recorded.Limits())
    description = Description(SCOPE, "name", 1, {}, {})
    for value in [*values, True, 1, 1.0, 0.0, -0.0, False, 0, "1"]:
        span = plain_span(description, {"key": value})

        assert_same(decoded_span(encoder, span), recorded.expected_span(span, recorded.Limits()))


def test_the_caches_stay_small_and_right_when_everything_is_new() -> None:
    encoder = Encoder(recorded.Limits())
    description = Description(SCOPE, "name", 1, {}, {})
    for number in range(3 * encoding.CACHE_SIZE):
        own = {f"key {number}": f"value {number}", "number": number, "long": "x" * 999}
        span = plain_span(description, own)

        assert_same(decoded_span(encoder, span), recorded.expected_span(span, recorded.Limits()))

    assert encoder._kept_keys <= KEPT_KEYS
    assert sum(1 + sum(map(len, own.values())) for own in encoder._own.values()) <= KEPT_KEYS
    attributes = encoder._attributes
    known = [values for cache in attributes.known.values() for values in cache.values()]
    assert sum(map(len, known)) <= encoding.CACHE_SIZE
    caches: list[Any] = [attributes._keys, *attributes.known.values()]
    assert all(len(cache) <= encoding.CACHE_SIZE for cache in caches)


def test_the_limit_holds_for_many_attributes_that_are_all_known() -> None:
    limits = recorded.Limits(attribute_count_limit=20)
    encoder = Encoder(limits)
    description = Description(SCOPE, "name", 1, {"described": 1}, {})
    many = {f"key {number}": ("value", number, True)[number % 3] for number in range(30)}
    for own in [*({key: value} for key, value in many.items()), many]:
        span = plain_span(description, own)
        for _ in range(2):
            assert_same(decoded_span(encoder, span), recorded.expected_span(span, limits))


def test_what_is_known_from_one_outcome_does_not_repeat_what_another_one_has() -> None:
    encoder = Encoder(recorded.Limits())
    description = Description(SCOPE, "name", 1, {"described": "a"}, {})
    endings = [Outcome("name", {}, 0, None), Outcome("name", {"ended": "a"}, 0, None)]
    for outcome in endings * 3:
        for own in [{"ended": "b", "other": 1}, {"described": "b"}, {"other": True}]:
            span = plain_span(description, own)
            span.outcome = outcome

            assert_same(
                decoded_span(encoder, span), recorded.expected_span(span, recorded.Limits())
            )


def test_the_keys_that_are_kept_for_outcomes_stay_few() -> None:
    encoder = Encoder(recorded.Limits())
    description = Description(SCOPE, "name", 1, {}, {})
    for number in range(2 * KEPT_KEYS):
        span = plain_span(description, {"key": "value", "number": number % 7})
        span.outcome = Outcome("name", {}, 1, None)
        encoder.span(span)

        assert sum(1 + sum(map(len, own.values())) for own in encoder._own.values()) <= KEPT_KEYS
    assert_same(decoded_span(encoder, span), recorded.expected_span(span, recorded.Limits()))


def test_what_the_cache_forgets_is_forgotten_for_every_outcome() -> None:
    encoder = Encoder(recorded.Limits())
    description = Description(SCOPE, "name", 1, {"described": 1}, {})
    for number in range(3 * encoding.CACHE_SIZE):
        span = plain_span(description, {"key": f"value {number}"})
        span.outcome = description.outcomes.setdefault(number % 9, Outcome("", {}, 1, None))

        assert_same(decoded_span(encoder, span), recorded.expected_span(span, recorded.Limits()))
    held = {
        id(fields): len(fields)
        for own in encoder._own.values()
        for keys in own.values()
        for fields in keys.values()
    }
    assert sum(held.values()) <= encoding.CACHE_SIZE


@some
@given(
    recorded.attributes,
    st.lists(st.tuples(recorded.scopes, st.lists(recorded.spans(), max_size=3)), max_size=3),
)
def test_a_request_holds_resource_scopes_and_spans(
    described: dict[str, Any], scopes: list[tuple[Scope, list[Span]]]
) -> None:
    encoder, limits = Encoder(recorded.Limits()), recorded.Limits()
    for _ in range(2):  # the second time from the scopes' own bytes
        payload = request(
            resource(described),
            [(scope, encoded_spans(encoder, spans)) for scope, spans in scopes],
        )
        scope_spans = [
            trace_pb2.ScopeSpans(
                scope=recorded.expected_scope(scope),
                spans=[recorded.expected_span(span, limits) for span in spans],
                schema_url=SCHEMA,
            )
            for scope, spans in scopes
        ]
        expected = trace_pb2.ResourceSpans(
            resource=Resource(attributes=recorded.key_values(described)),
            scope_spans=scope_spans,
            schema_url=SCHEMA,
        )

        assert_same(
            ExportTraceServiceRequest.FromString(payload),
            ExportTraceServiceRequest(resource_spans=[expected]),
        )


class Text(str):
    """A text of the program's own class."""

    __slots__ = ()

    def __str__(self) -> NoReturn:
        raise RuntimeError("no")


class Number(enum.IntEnum):
    """A number of the program's own class."""

    THREE = 3


class Fraction(float):
    """A number of the program's own class."""


class Shown:
    """Something that has a text."""

    def __str__(self) -> str:
        return "shown"


class Unreadable(list[object]):
    """Something that raises whatever it is asked."""

    def __iter__(self) -> NoReturn:
        raise RuntimeError("no")

    def __str__(self) -> NoReturn:
        raise RuntimeError("no")


class UnreadableKey:
    """A key that has no text."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("no")


ANY_OBJECT: list[tuple[Any, Any]] = [
    (Text("text"), "text"),
    (Number.THREE, 3),
    (Fraction(0.5), 0.5),
    (bytearray(b"raw"), b"raw"),
    (memoryview(b"raw"), b"raw"),
    (range(3), [0, 1, 2]),
    (Shown(), "shown"),
    (frozenset(["one"]), "frozenset({'one'})"),
    (1 << 63, "9223372036854775808"),
    (-(1 << 63), -(1 << 63)),
    (1 << 20_000, hex(1 << 20_000)),
    ("lone \ud800 surrogate", "lone ? surrogate"),
    (Unreadable(), "(unreadable Unreadable)"),
    ([1, Unreadable(), 2], [1, "(unreadable Unreadable)", 2]),
    ({1: "number", None: "nothing"}, {"1": "number", "None": "nothing"}),
    ({UnreadableKey(): 1}, {"(unreadable UnreadableKey)": 1}),
]


def test_any_object_has_a_value() -> None:
    for value, same_as in ANY_OBJECT:
        assert_same(one_span({"key": value}), one_span({"key": same_as}))


def test_a_key_that_is_no_text_becomes_one() -> None:
    assert_same(one_span({Text("key"): 1, 7: 2}), one_span({"key": 1, "7": 2}))


def test_a_value_that_contains_itself_ends() -> None:
    circle: list[Any] = ["inner"]
    circle.extend([circle] * 50)
    encoded = one_span({"key": circle}).attributes[0].value.array_value

    assert encoded.values[0].string_value == "inner"
    assert 1 <= encoded.ByteSize() <= 50 * encoding.MAX_PARTS


def test_a_value_that_is_nested_too_deep_is_cut_with_a_word() -> None:
    nested: Any = "the innermost"
    for _ in range(encoding.MAX_DEPTH + 1):
        nested = [nested]
    value = one_span({"key": nested}).attributes[0].value
    for _ in range(encoding.MAX_DEPTH):
        value = value.array_value.values[0]

    assert value.string_value == encoding.TOO_DEEP


def test_texts_are_cut_to_the_length_limit_wherever_they_are() -> None:
    limits = recorded.Limits(attribute_length_limit=3)
    own = {"text": "äöüß", "raw": b"abcdef", "list": ["abcdef", {"inner": "abcdef"}]}

    assert_same(
        one_span(own, limits),
        one_span({"text": "äöü", "raw": b"abc", "list": ["abc", {"inner": "abc"}]}),
    )


@given(recorded.spans())
def test_no_field_that_may_come_once_comes_twice(span: Span) -> None:
    (_, encoded), *_ = read_fields(b"".join(Encoder(recorded.Limits()).span(span)))
    assert isinstance(encoded, bytes)
    repeated = {9, 11, 13}  # attributes, events, links
    numbers = [number for number, _ in read_fields(encoded) if number not in repeated]

    assert len(numbers) == len(set(numbers))


def test_a_span_that_cannot_be_encoded_raises() -> None:
    span = plain_span(Description(SCOPE, "name", 1, {}, {}), start=-5)

    with pytest.raises(Exception, match=r"range|too large|requires"):
        Encoder(recorded.Limits()).span(span)


durations = st.floats(0, 1e6, allow_nan=False)
points = st.lists(st.tuples(recorded.attributes, st.lists(durations, max_size=5)), max_size=4)


@st.composite
def instruments(draw: st.DrawFn) -> Histogram:
    """A histogram with some points."""
    boundaries = tuple(sorted(draw(st.sets(durations, max_size=4))))
    scope = draw(st.sampled_from([SCOPE, Scope("other", "2.0")]))
    histogram = Histogram(
        scope, draw(recorded.texts), draw(recorded.texts), draw(recorded.texts), boundaries
    )
    METER.remove(histogram)
    histogram.start = draw(recorded.times)
    for number, (described, recorded_values) in enumerate(draw(points)):
        # Keyed without series_of, which asks for attributes that have a hash.
        series = histogram.series[number] = new_series(histogram, described)
        for value in recorded_values:
            series.add(value)
    return histogram


def new_series(histogram: Histogram, described: dict[str, Any]) -> Distribution:
    """Return a series that the histogram does not know yet."""
    return Distribution(histogram, described)


def expected_metric(histogram: Histogram, now: int) -> metrics_pb2.Metric | None:
    """Return the message of a histogram's points; None without any."""
    data_points = [
        metrics_pb2.HistogramDataPoint(
            attributes=recorded.key_values(dict(series.attributes)),
            start_time_unix_nano=histogram.start,
            time_unix_nano=now,
            count=series.count,
            sum=series.sum,
            bucket_counts=series.counts,
            explicit_bounds=histogram.boundaries,
            min=series.minimum,
            max=series.maximum,
        )
        for series in histogram.settled()
    ]
    if not data_points:
        return None
    return metrics_pb2.Metric(
        name=recorded.clean(histogram.name),
        description=recorded.clean(histogram.description),
        unit=recorded.clean(histogram.unit),
        histogram=metrics_pb2.Histogram(
            data_points=data_points, aggregation_temporality=CUMULATIVE
        ),
    )


def expected_metrics(
    described: dict[str, Any], histograms: list[Histogram], now: int
) -> ExportMetricsServiceRequest:
    """Return the request that holds all points, by scope."""
    scopes: dict[Scope, metrics_pb2.ScopeMetrics] = {}
    for histogram in histograms:
        metric = expected_metric(histogram, now)
        if metric is not None:
            scope = recorded.expected_scope(histogram.scope)
            empty = metrics_pb2.ScopeMetrics(scope=scope, schema_url=SCHEMA)
            scopes.setdefault(histogram.scope, empty).metrics.append(metric)
    request = ExportMetricsServiceRequest()
    if scopes:
        request.resource_metrics.add(
            resource=Resource(attributes=recorded.key_values(described)),
            scope_metrics=scopes.values(),
            schema_url=SCHEMA,
        )
    return request


@some
@given(recorded.attributes, st.lists(instruments(), max_size=4), recorded.times)
@example({}, [], 5)
def test_a_metrics_request_holds_every_point(
    described: dict[str, Any], histograms: list[Histogram], now: int
) -> None:
    expected = expected_metrics(described, histograms, now)
    for _ in range(2):  # the second time from the series' own bytes
        payload = metrics_request(resource(described), histograms, now)

        assert_same(ExportMetricsServiceRequest.FromString(payload), expected)


def test_without_a_point_there_is_no_metrics_request() -> None:
    histogram = Histogram(SCOPE, "name", "s", "", (1.0,))
    METER.remove(histogram)
    histogram.series_of({"key": "value"})

    assert metrics_request(resource({}), [histogram], 5) == b""
