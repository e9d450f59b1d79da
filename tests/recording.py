"""What the agent records in the test's own process, decoded."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from conformance.registry import check_metric, check_span
from otel_run.export.pipeline import PIPELINE
from otel_run.signals.metrics import METER
from otel_run_instrumentors.registry import INSTRUMENTORS
from otlp import Metric, Span, metrics_in, spans_in

if TYPE_CHECKING:
    from typing_extensions import Self

    from otel_run.engine import Instrumentor


class Memory:
    """A destination that keeps the requests it is offered."""

    is_local = True
    keeps = False
    may_look_up = True
    room = True

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []

    def load(self) -> None:
        """Need nothing."""

    def note(self, span: object) -> None:
        """Count nothing."""

    def offer(self, signal: str, payload: bytes, count: int) -> None:  # noqa: ARG002 (the protocol's)
        """Keep a request."""
        self.requests.append((signal, payload))

    def lose(self, count: int) -> None:
        """Miss nothing."""

    def pump(self, now: float, deadline: float | None) -> None:
        """Have nothing left to send."""

    def interrupt(self) -> None:
        """Never block."""

    def pause(self) -> None:
        """Never block."""

    def after_fork_in_child(self) -> None:
        """Forget what is the parent's."""
        self.requests.clear()


class Recording:
    """Everything that is recorded while the `with` statement lasts, instead of being sent."""

    def __init__(self) -> None:
        self.memory = Memory()

    def __enter__(self) -> Self:
        PIPELINE.flush()
        worker: Any = PIPELINE.worker
        self.before = worker._routes, worker._notes, worker.destinations
        worker._routes = {"traces": [self.memory], "metrics": [self.memory]}
        worker._notes, worker.destinations = [], [self.memory]
        for instrument in METER:
            instrument.restart()
        return self

    def __exit__(self, *error: object) -> None:
        PIPELINE.flush()
        worker: Any = PIPELINE.worker
        worker._routes, worker._notes, worker.destinations = self.before

    def spans(self) -> list[Span]:
        """All spans that have ended so far, by their start."""
        PIPELINE.flush()
        found = [
            span
            for signal, payload in self.memory.requests
            if signal == "traces"
            for span in spans_in(ExportTraceServiceRequest.FromString(payload))
        ]
        for span in found:
            check_span(span)
        return sorted(found, key=lambda span: span.start)

    def span(self) -> Span:
        """The one span there is."""
        (span,) = self.spans()
        return span

    def metrics(self) -> list[Metric]:
        """The metrics as they are now; those of every scope."""
        PIPELINE.flush()
        last = [payload for signal, payload in self.memory.requests if signal == "metrics"][-1:]
        found = [
            metric
            for payload in last
            for metric in metrics_in(ExportMetricsServiceRequest.FromString(payload))
        ]
        for metric in found:
            check_metric(metric)
        return found

    def exported(self) -> bytes:
        """Everything as it would have been sent, to look for what must not be there."""
        PIPELINE.flush()
        return b"".join(payload for _, payload in self.memory.requests)

    def forget(self) -> None:
        """Let go of what there is so far: a test's preparations."""
        PIPELINE.flush()
        self.memory.requests.clear()
        for instrument in METER:
            instrument.restart()


def instrumentors() -> dict[str, Instrumentor]:
    """Every instrumentor by its library's name."""
    modules = dict.fromkeys(INSTRUMENTORS.values())
    found = [importlib.import_module(module).INSTRUMENTOR for module in modules]
    return {one.library: one for one in found}


def patch_imported() -> None:
    """Patch what is imported by now, as the import hook would have."""
    for module, reference in INSTRUMENTORS.items():
        if module in sys.modules:
            importlib.import_module(reference).INSTRUMENTOR.patch(module)


def unpatch_all() -> None:
    """Put all originals back."""
    for instrumentor in instrumentors().values():
        instrumentor.unpatch()
