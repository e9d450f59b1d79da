"""What one operation costs: in the program's thread, and then in the one that exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from otel_run import settings
from otel_run.export.otlp import Encoder
from otel_run.export.pipeline import PIPELINE

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from otel_run.engine import Call
    from otel_run.engine.database import DatabaseClient
    from otel_run.signals.span import Span


def record(convention: DatabaseClient, call: Call) -> None:
    if operation := convention.begin(call):
        convention.finish(operation, call, None)


def recorded(convention: DatabaseClient, call: Call) -> Span:
    record(convention, call)
    return cast("Span", PIPELINE.queue[-1])


def test_a_span_is_recorded(
    benchmark: BenchmarkFixture, convention: DatabaseClient, call: Call
) -> None:
    benchmark(record, convention, call)
    assert PIPELINE.queue


def test_a_span_is_encoded(
    benchmark: BenchmarkFixture, convention: DatabaseClient, call: Call
) -> None:
    encoder = Encoder(settings.current())
    assert benchmark(encoder.span, recorded(convention, call))


def test_a_point_is_added_to_a_histogram(
    benchmark: BenchmarkFixture, convention: DatabaseClient, call: Call
) -> None:
    outcome = recorded(convention, call).outcome
    assert outcome is not None
    assert outcome.series is not None
    benchmark(outcome.series.add, 0.0042)
    assert outcome.series.count
