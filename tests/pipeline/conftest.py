"""Pipelines in the test's own process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otel_run.signals.description import Scope
from otel_run.signals.metrics import METER, Histogram
from pipeline.records import make_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_run.export.pipeline import Pipeline


@pytest.fixture
def pipeline_to() -> Iterator[Callable[..., Pipeline]]:
    """Make pipelines to destinations, with settings; each ends with the test."""
    made: list[Pipeline] = []

    def make(*destinations: object, **variables: str) -> Pipeline:
        made.append(make_pipeline(*destinations, **variables))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for pipeline in made:
        pipeline.shutdown(1.0)


@pytest.fixture
def histogram() -> Iterator[Histogram]:
    """An instrument of the test's own."""
    histogram = Histogram(Scope("test", "1"), "test.duration", "s", "", (0.5, 2.0))
    yield histogram
    METER.remove(histogram)
