"""Records to put on a queue, programs that make some, and destinations that a test can watch."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_run.export.pipeline import Pipeline
from otel_run.settings import load
from otel_run.signals.description import Description, Outcome, Scope
from otel_run.signals.span import CLIENT, UNSET, Extras, Span
from otlp import metrics_in, spans_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_run.signals.metrics import Distribution

# What programs that tests start begin with.
RECORD = """
import os, sqlite3, sys, threading, time
connection = sqlite3.connect(":memory:", check_same_thread=False)
cursor = connection.cursor()
def record(n):
    for _ in range(n):
        cursor.execute("SELECT 1")
"""

HOUR = "3600000"
LONG = 60.0

DESCRIPTION = Description(Scope("test", "1"), "SELECT", CLIENT, {}, {})
numbers = count(1)


def make_span(series: Distribution | None = None, weight: int = 0, **attributes: Any) -> Span:
    """A finished span that took a second."""
    number = next(numbers)
    span = Span(number, number, 0, True, False, "", None, DESCRIPTION, 1)  # noqa: FBT003
    span.end = 1_000_000_001
    span.attributes = attributes
    span.outcome = Outcome("SELECT", {}, UNSET, series)
    if weight:
        span.extras = Extras()
        span.extras.weight = weight
    return span


class Watched:
    """A destination that keeps what it is offered; its methods are there to be replaced."""

    is_local = True
    keeps = False
    may_look_up = True
    room = True

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes, int]] = []
        self.lost = 0
        self.noted = 0
        self.deadlines: list[float | None] = []
        self.changed = threading.Condition()

    def load(self) -> None:
        """Need nothing."""

    def note(self, span: Span) -> None:  # noqa: ARG002 (the protocol's)
        """Count a span."""
        self.noted += 1

    def lose(self, count: int) -> None:
        """Count what it never sees."""
        self.lost += count

    def offer(self, signal: str, payload: bytes, count: int) -> None:
        """Keep a request."""
        with self.changed:
            self.requests.append((signal, payload, count))
            self.changed.notify_all()

    def pump(self, now: float, deadline: float | None) -> float | None:  # noqa: ARG002
        """Have nothing left to send."""
        self.deadlines.append(deadline)
        return None

    def interrupt(self) -> None:
        """Never block."""

    def pause(self) -> None:
        """Never block."""

    def after_fork_in_child(self) -> None:
        """Forget nothing."""

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Return once the condition holds, which is asked again after each request."""
        with self.changed:
            assert self.changed.wait_for(condition, LONG)

    def wait_for_spans(self, count: int) -> None:
        """Return once so many have come."""
        self.wait_for(lambda: sum(self.counts()) >= count)

    def counts(self) -> list[int]:
        """How many spans each request had."""
        return [count for signal, _, count in self.requests if signal == "traces"]

    def span_ids(self) -> list[int]:
        """Every span that came."""
        return [
            int(span.span_id, 16)
            for signal, payload, _ in self.requests
            if signal == "traces"
            for span in spans_in(ExportTraceServiceRequest.FromString(payload))
        ]

    def points(self, name: str = "test.duration") -> dict[str, int]:
        """How many points each series had in the last request, by its attribute `key`."""
        last = [payload for signal, payload, _ in self.requests if signal == "metrics"][-1:]
        return {
            str(point.attributes.get("key", "")): point.count
            for payload in last
            for metric in metrics_in(ExportMetricsServiceRequest.FromString(payload))
            if metric.name == name
            for point in metric.points
        }


def make_pipeline(*destinations: Watched, **variables: str) -> Pipeline:
    """A pipeline of its own whose timers never come due, unless the variables say otherwise."""
    pipeline = Pipeline(
        load(
            {
                "OTEL_BSP_SCHEDULE_DELAY": HOUR,
                "OTEL_METRIC_EXPORT_INTERVAL": HOUR,
                "OTEL_TRACES_EXPORTER": "none",
                "OTEL_METRICS_EXPORTER": "none",
                **variables,
            }
        )
    )
    worker: Any = pipeline.worker
    worker._routes = {"traces": list(destinations), "metrics": list(destinations)}
    worker.destinations = list(destinations)
    worker._notes = [one.note for one in destinations if one.is_local]
    return pipeline


def swallowed() -> list[str]:
    """Take what the guard has caught: a mistake that the test made on purpose."""
    from otel_run import guard

    found = [f"{mistake.where}: {mistake.kind.__name__}" for mistake in guard.ERRORS]
    guard.ERRORS.clear()
    return found
