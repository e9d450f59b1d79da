"""What the export thread does: take records off the queue, encode them, hand them over, send."""

from __future__ import annotations

from time import monotonic, time_ns

from otel_run import guard
from otel_run.export.destinations import make_routes
from otel_run.export.metrics import metrics_request
from otel_run.export.otlp import Encoder, resource, trace_request
from otel_run.native import sleep
from otel_run.signals.metrics import METER
from otel_run.signals.resource import attributes, new_instance_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from typing import Any

    from otel_run.export.pipeline import Pipeline
    from otel_run.settings import Settings
    from otel_run.signals.description import Scope
    from otel_run.signals.metrics import Series
    from otel_run.signals.span import Span

    Record = Span | tuple[Series, float]

# Records encoded before another thread is given its turn: 200 to 300 µs of work, for a turn costs a
# third of that. It grows with the backlog, so that a burst drains.
SLICE = 128
BACKLOG_SHARE = 16
TURN = 0.000_05  # s


class Worker:
    """Encodes and sends; only ever called from one thread at a time.

    `importing` is true while a destination loads what it needs: the one thing that must not be
    cut short by a fork.
    """

    def __init__(self, settings: Settings, batch: int) -> None:
        self._settings = settings
        self._batch = batch
        self._encoder = Encoder(settings)
        self._routes = make_routes(settings)
        self.destinations = list(dict.fromkeys(d for route in self._routes.values() for d in route))
        self._notes = [d.note for d in self._routes["traces"] if d.is_local]
        self.importing = False
        self._begin()

    def _begin(self) -> None:
        self._resource: bytes | None = None
        self._scopes: dict[Scope, list[bytes]] = {}
        self._count = 0
        now = monotonic()
        self._flush_at = now + self._settings.schedule_delay
        self._collect_at = now + self._settings.metric_export_interval
        self._attempt_at: float | None = None
        self._loaded = False

    def due(self) -> float:
        """Return when there is something to do, by `monotonic`."""
        due = min(self._flush_at, self._collect_at)
        return due if self._attempt_at is None else min(due, self._attempt_at)

    @property
    def pending(self) -> bool:
        """Whether something encoded has not been delivered yet."""
        return self._attempt_at is not None or self._count > 0

    def work(self, pipeline: Pipeline) -> None:
        """Do what is due; everything, when the process ends."""
        now = monotonic()
        closing = pipeline.deadline is not None
        if pipeline.stopping and not closing:
            return
        if closing or now >= self._flush_at or len(pipeline.queue) >= self._batch:
            self._drain(pipeline)
            self._flush_at = monotonic() + self._settings.schedule_delay
        if closing or now >= self._collect_at:
            self._collect(pipeline)
        self._pump(pipeline)

    def finish_here(self, pipeline: Pipeline) -> None:
        """End without the thread: only what needs no network can still be delivered."""
        for route in self._routes.values():
            route[:] = [destination for destination in route if destination.is_local]
        self._drain(pipeline)
        self._collect(pipeline)
        self._pump(pipeline)

    def interrupt(self) -> None:
        """Make blocking input and output in the thread fail now."""
        for destination in self.destinations:
            destination.interrupt()

    def after_fork_in_child(self) -> None:
        """Forget what is the parent's."""
        new_instance_id()
        self._begin()
        for destination in self.destinations:
            destination.after_fork_in_child()

    def _drain(self, pipeline: Pipeline) -> None:
        """Encode what is on the queue now; what comes meanwhile waits until it is due.

        Chasing the last record would have this thread and the program's take turns at every call.
        """
        queue = pipeline.queue
        route = self._routes["traces"]
        left = len(queue)
        while left > 0 and not (pipeline.stopping and pipeline.deadline is None):
            if route and not any(destination.room for destination in route):
                break
            left -= self._take(queue, min(left, SLICE + left // BACKLOG_SHARE))
            if self._count >= self._batch:
                self._emit()
                self._pump(pipeline)
            if left > 0 and pipeline.deadline is None:
                sleep(TURN)
        self._emit()

    def _take(self, queue: deque[Record], most: int) -> int:
        """Take up to `most` records off the queue, or a full batch; return how many."""
        encode, scopes = self._encoder.span, self._scopes
        most = min(most, self._batch - self._count)
        for _ in range(most):
            record: Any = queue.popleft()  # a span, or (series, seconds)
            if type(record) is tuple:
                record[0].add(record[1])
                continue
            series = record.outcome.series
            if series is not None:
                series.add((record.end - record.start) * 1e-9)
            try:
                encoded = encode(record)
            except Exception as error:
                guard.caught(error, "encode")
                continue
            scope = record.description.scope
            if scope in scopes:
                scopes[scope].append(encoded)
            else:
                scopes[scope] = [encoded]
            self._count += 1
            for note in self._notes:
                note(record)
        return most

    def _emit(self) -> None:
        if self._count:
            payload = trace_request(self._encoded_resource(), self._scopes.items())
            for destination in self._routes["traces"]:
                destination.offer("traces", payload, self._count)
            self._scopes, self._count = {}, 0

    def _collect(self, pipeline: Pipeline) -> None:
        self._collect_at = monotonic() + self._settings.metric_export_interval
        pipeline.late.merge()
        route = self._routes["metrics"]
        if route:
            payload = metrics_request(self._encoded_resource(), METER, time_ns())
            if payload:
                for destination in route:
                    destination.offer("metrics", payload, 1)

    def _pump(self, pipeline: Pipeline) -> None:
        self._load()
        now = monotonic()
        attempts = [d.pump(now, pipeline.deadline) for d in self.destinations]
        self._attempt_at = min((at for at in attempts if at is not None), default=None)

    def _load(self) -> None:
        if not self._loaded and (self._count or self.destinations):
            self.importing = True
            try:
                for destination in self.destinations:
                    destination.load()
            finally:
                self.importing = False
            self._loaded = True

    def _encoded_resource(self) -> bytes:
        if self._resource is None:
            self._resource = resource(attributes(self._settings))
        return self._resource
