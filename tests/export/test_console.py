"""The destination `console`: one JSON object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given

from export import recorded
from otel_run.export.console import Console, describe
from otel_run.settings import load
from otel_run.signals.description import Description, Outcome, Scope
from otel_run.signals.metrics import METER, Histogram
from otel_run.signals.span import ERROR, Event, Extras, Span

if TYPE_CHECKING:
    import pytest


def a_span() -> Span:
    """Return a finished span."""
    sampled, remote = True, False
    description = Description(Scope("scope", "1"), "GET", 3, {"a": 1, "b": 1}, {})
    span = Span(7, 8, 9, sampled, remote, "", None, description, 100)
    span.end = 1_500_100
    span.attributes = {"b": 3}
    span.outcome = Outcome("GET", {"b": 2, "c": 2}, ERROR, None)
    span.extras = Extras()
    span.extras.events = [Event("exception", 100, {"exception.type": "ValueError"})]
    return span


def written(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the objects written so far."""
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_a_span_is_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    console = Console(load({"OTEL_TRACES_EXPORTER": "console"}))
    console.load()
    console.note(a_span())
    console.offer("traces", b"", 1)

    assert written(capfd) == [
        {
            "span": "GET",
            "kind": "client",
            "milliseconds": 1.5,
            "status": "error",
            "trace_id": "00000000000000000000000000000007",
            "span_id": "0000000000000008",
            "parent_id": "0000000000000009",
            "attributes": {"a": 1, "b": 3, "c": 2},
            "events": [{"name": "exception", "attributes": {"exception.type": "ValueError"}}],
        }
    ]


def test_a_series_is_a_line_and_spans_are_none(capfd: pytest.CaptureFixture[str]) -> None:
    console = Console(load({"OTEL_METRICS_EXPORTER": "console"}))
    histogram = Histogram(Scope("scope", "1"), "http.duration", "s", "", (1.0,))
    histogram.series_of({"key": "value"}).add(0.5)
    console.note(a_span())
    console.offer("metrics", b"", 1)
    METER.remove(histogram)

    assert [line for line in written(capfd) if line["metric"] == "http.duration"] == [
        {
            "metric": "http.duration",
            "count": 1,
            "sum": 0.5,
            "max": 0.5,
            "attributes": {"key": "value"},
        }
    ]


@given(recorded.spans())
def test_any_span_can_be_described(span: Span) -> None:
    line = json.dumps(describe(span), default=str)

    assert line.isascii()
    assert "\n" not in line
