"""Where no thread runs between requests, one waits for the export thread now and then."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from otel_run.export.turns import WAIT, Turns
from otel_run.signals.context import CURRENT, Node
from pipeline.records import LONG, Watched, make_pipeline, make_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_run.export.pipeline import Pipeline


class Line:
    """A pipeline with turns, and where it sends to."""

    def __init__(self, interval: float) -> None:
        self.destination = Watched()
        self.pipeline: Pipeline = make_pipeline(self.destination)
        Turns(self.pipeline, interval)

    def record(self, count: int) -> None:
        """Record spans."""
        for _ in range(count):
            self.pipeline.record(make_span())


@pytest.fixture
def line() -> Iterator[Line]:
    """Turns of an hour."""
    line = Line(3600)
    yield line
    line.pipeline.shutdown()


def test_a_request_has_all_sent_that_waits(line: Line) -> None:
    token = CURRENT.set(Node(1, 1))
    line.record(2)
    CURRENT.reset(token)
    inside = line.destination.counts()
    line.record(1)
    line.destination.wait_for_spans(3)

    assert (inside, line.destination.counts()) == ([], [3])


def test_the_next_ones_wait_for_nothing(line: Line) -> None:
    line.record(1)
    line.destination.wait_for_spans(1)
    line.record(20)

    assert line.destination.counts() == [1]
    assert len(line.pipeline.queue) == 20


def test_whoever_ends_a_span_has_it_looked_at(line: Line) -> None:
    line.record(1)
    line.destination.wait_for_spans(1)

    assert line.pipeline.threshold == 0


def test_each_interval_has_a_turn() -> None:
    line = Line(0)
    line.record(3)
    line.destination.wait_for_spans(3)
    line.pipeline.shutdown()


def test_a_thread_that_is_still_about_what_was_before_begins_again() -> None:
    line = Line(0)
    destination, offer, pump = line.destination, line.destination.offer, line.destination.pump

    def take_time(signal: str, payload: bytes, count: int) -> None:
        threading.Event().wait(0.05)
        offer(signal, payload, count)

    def wait_for_next(now: float, deadline: float | None) -> None:  # noqa: ARG001
        destination.pump = pump  # type: ignore[method-assign]
        while not line.pipeline.queue:
            threading.Event().wait(0.001)
        threading.Event().wait(0.02)
        destination.offer = take_time  # type: ignore[method-assign]

    destination.pump = wait_for_next  # type: ignore[method-assign]
    line.record(2)

    assert destination.counts() == [1, 1]
    line.pipeline.shutdown()


def test_nobody_waits_long(line: Line) -> None:
    over = threading.Event()

    def pump(now: float, deadline: float | None) -> None:  # noqa: ARG001
        over.wait(LONG)

    line.destination.pump = pump  # type: ignore[method-assign]
    before = monotonic()
    line.record(20)
    waited = monotonic() - before
    over.set()

    assert WAIT <= waited < LONG / 8
