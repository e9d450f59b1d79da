"""An agent that records and never sends: `pytest benchmarks/micro`."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

import pytest

# The agent reads its settings as it is imported.
os.environ |= {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp"}

from otel_run.engine import Call
from otel_run.engine.database import DatabaseClient, same_database
from otel_run.engine.sql import SQLITE
from otel_run.export.pipeline import PIPELINE

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUED = 1000
DATABASE = same_database("sqlite", ":memory:", "", 0, SQLITE)


@pytest.fixture(autouse=True)
def _recording_without_a_thread() -> Iterator[None]:
    """Keep the newest records, and never start the thread that would send them."""
    PIPELINE.threshold = QUEUED + 1
    PIPELINE.queue = deque(maxlen=QUEUED)
    yield
    PIPELINE.queue.clear()


@pytest.fixture
def call() -> Call:
    """A statement with a bind value."""
    return Call(print, None, ("SELECT name FROM product WHERE id = ?", (2,)), {})


@pytest.fixture(scope="session")
def convention() -> DatabaseClient:
    """What records statements, with the cheapest readers there can be."""
    convention = DatabaseClient(
        lambda call: (call.args[0], call.args[1], DATABASE, 1), lambda _: ""
    )
    convention.bind("micro", 0)
    return convention
