"""What the export thread does: take records off the queue, encode them, hand them over, send."""

from __future__ import annotations

from otel_run import guard, notice
from otel_run.export.destinations import make_routes
from otel_run.export.metrics import metrics_request
from otel_run.export.otlp import Encoder, request, resource
from otel_run.figures import tell_count
from otel_run.native import time
from otel_run.signals.clock import epoch
from otel_run.signals.metrics import METER, RECENT
from otel_run.signals.resource import attributes, new_instance_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from otel_run.export.destinations import Destination
    from otel_run.export.pipeline import Pipeline
    from otel_run.settings import Settings
    from otel_run.signals.description import Scope
    from otel_run.signals.span import Extras

# With so many records it goes to work, though a batch may be more: the garbage collector begins
# with 700 new objects, a record is two or three of them, and the program has its own.
ENOUGH = 256
# Records encoded before another thread is given its turn: half a millisecond of work. A turn costs
# a busy program as much, in cold caches for the most part. It grows with the backlog, so that a
# burst drains.
SLICE = 256
BACKLOG_SHARE = 16
TURN = 0.000_05  # s


class Worker:
    """Encodes and sends; only ever called from one thread at a time.

    It encodes when there are a number of records, or it is time; it sends a full batch, or what
    there is when it is time.

    `importing` is true while it loads what it needs: the one thing that must not be cut short by a
    fork. What a destination raises is its own affair, and the others have their turn all the same.
    """

    def __init__(self, settings: Settings, batch: int) -> None:
        self._settings = settings
        self._batch = batch
        self._enough = min(batch, ENOUGH)
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
        now = time.monotonic()
        self._flush_at = now + self._settings.schedule_delay
        self._collect_at = now + self._settings.metric_export_interval
        self._attempt_at: float | None = None
        self._loaded = False
        self._has_points = False  # since the last export of metrics
        self._dropped = 0
        self._broken = 0

    def due(self) -> float:
        """Return when there is something to do, by `monotonic`."""
        due = min(self._flush_at, self._collect_at)
        return due if self._attempt_at is None else min(due, self._attempt_at)

    def hurry(self) -> None:
        """Have what is on the queue sent now."""
        self._flush_at = 0.0

    @property
    def pending(self) -> bool:
        """Whether something that left the queue has not been delivered yet."""
        return self._attempt_at is not None or self._count > 0 or self._has_points

    @property
    def wanted(self) -> int:
        """How many records it waits for, unless it is time."""
        return min(self._enough, self._batch - self._count)

    @property
    def blocked(self) -> bool:
        """Whether no destination takes any more spans: then only time helps."""
        route = self._routes["traces"]
        return bool(route) and not any(destination.room for destination in route)

    def work(self, pipeline: Pipeline) -> None:
        """Do what is due; everything, when the process ends."""
        now = time.monotonic()
        closing = pipeline.deadline is not None
        if pipeline.stopping and not closing:
            return
        self._load()
        collects = closing or now >= self._collect_at
        is_due = collects or now >= self._flush_at
        least = 1 if is_due else self.wanted
        if len(pipeline.queue) >= least:
            self._drain(pipeline, least)
        if is_due:
            self._emit()
            self._flush_at = time.monotonic() + self._settings.schedule_delay
        if collects:
            self._collect(pipeline)
        self._tell_lost(pipeline)
        self._pump(pipeline)

    def finish_here(self, pipeline: Pipeline) -> None:
        """End without the thread, and without what has no time-out: looking up a name."""
        for destination in self.destinations:
            destination.may_look_up = False
        self.work(pipeline)
        for destination in self.destinations:
            destination.may_look_up = True

    def keep(self, pipeline: Pipeline) -> None:
        """Write a batch of what waits at once, without the thread, where nobody is waited for."""
        route = self._routes["traces"]
        if pipeline.queue and route and all(destination.keeps for destination in route):
            self._load()
            self._take(pipeline, len(pipeline.queue))
            self._emit()
            for destination in route:
                self._pump_one(destination, time.monotonic(), None)

    def interrupt(self) -> None:
        """Make blocking input and output in the thread fail now."""
        for destination in self.destinations:
            destination.interrupt()

    def pause(self) -> None:
        """Have the thread come to a safe point; what is under way goes on afterwards."""
        for destination in self.destinations:
            destination.pause()

    def after_fork_in_child(self) -> None:
        """Forget what is the parent's."""
        new_instance_id()
        notice.UNTOLD.clear()
        self._begin()
        for destination in self.destinations:
            destination.after_fork_in_child()

    def _drain(self, pipeline: Pipeline, least: int) -> None:
        """Encode what is on the queue now, but for a rest of less than `least`.

        Chasing the last record would have this thread and the program's take turns at every call.
        """
        queue = pipeline.queue
        left = len(queue)
        while left >= least and not (pipeline.stopping and pipeline.deadline is None):
            if self.blocked:
                if pipeline.deadline is None:
                    break
                self._pump(pipeline)  # the last attempts make room, one way or the other
            left -= self._take(pipeline, min(left, SLICE + left // BACKLOG_SHARE))
            if self._count >= self._batch:
                self._emit()
                self._pump(pipeline)
            if left >= least and pipeline.deadline is None:
                time.sleep(TURN)

    def _take(self, pipeline: Pipeline, most: int) -> int:
        """Take up to `most` records off the queue, or a full batch; return how many.

        Flat, since it goes through this with every record: what a series' `add` does is done here.
        """
        take, encode, notes = pipeline.queue.popleft, self._encoder.span, self._notes
        most = min(most, self._batch - self._count)
        self._encoder.epoch = epoch()
        self._has_points = True
        left_out = 0
        taken: dict[Scope, list[bytes]] = {}
        scope: Scope | None = None
        spans: list[bytes] = []
        for _ in range(most):
            record: Any = take()
            # To ask `isinstance` costs five times that where the answer is no.
            if type(record) is tuple:
                record[0].add(record[1])
                left_out += 1
                continue
            outcome = record.outcome
            if outcome is not None:
                series = outcome.series
                if series is not None:
                    recent = series.recent
                    recent.append((record.end - record.start) * 1e-9)
                    if len(recent) >= RECENT:
                        series.settle()
            extras = record.extras
            if extras is not None and _let_go(pipeline, extras):
                left_out += 1
                continue
            try:
                encoded = encode(record)
                for note in notes:
                    note(record)
            except Exception as error:
                self._broken += 1
                left_out += 1
                guard.caught(error, "encode")
                continue
            # Most spans are of the scope of the one before.
            if record.description.scope is not scope:
                scope = record.description.scope
                spans = taken.setdefault(scope, [])
            spans += encoded
        self._gather(taken)
        self._count += most - left_out
        return most

    def _gather(self, taken: dict[Scope, list[bytes]]) -> None:
        """Make one of the pieces of each scope, while they are in the processor's cache."""
        for scope, spans in taken.items():
            self._scopes.setdefault(scope, []).append(b"".join(spans))

    def _emit(self) -> None:
        if self._count:
            payload = request(self._encoded_resource(), self._scopes.items())
            count, self._scopes, self._count = self._count, {}, 0
            self._offer("traces", payload, count)

    def _offer(self, signal: str, payload: bytes, count: int) -> None:
        for destination in self._routes[signal]:
            try:
                destination.offer(signal, payload, count)
            except Exception as error:  # noqa: PERF203  each fails by itself
                guard.caught(error, "export")

    def _tell_lost(self, pipeline: Pipeline) -> None:
        """Tell of spans that never came as far as a destination."""
        dropped = pipeline.late.dropped
        lost = dropped - self._dropped
        if lost:
            self._dropped = dropped
            sum_of_all = tell_count(dropped, "span")
            notice.complain_of_loss("queue", f"the queue was full; {sum_of_all} dropped so far")
        if lost + self._broken:
            for destination in self._routes["traces"]:
                destination.lose(lost + self._broken)
            self._broken = 0

    def _collect(self, pipeline: Pipeline) -> None:
        self._collect_at = time.monotonic() + self._settings.metric_export_interval
        pipeline.late.merge()
        self._has_points = False
        if self._routes["metrics"]:
            payload = metrics_request(self._encoded_resource(), METER, time.time_ns())
            if payload:
                self._offer("metrics", payload, 1)

    def _pump(self, pipeline: Pipeline) -> None:
        now = time.monotonic()
        if pipeline.stopping and pipeline.deadline is None:
            self._attempt_at = now  # as soon as the fork is over
            return
        attempts = [self._pump_one(one, now, pipeline.deadline) for one in self.destinations]
        self._attempt_at = min((at for at in attempts if at is not None), default=None)

    def _pump_one(
        self, destination: Destination, now: float, deadline: float | None
    ) -> float | None:
        try:
            return destination.pump(now, deadline)
        except Exception as error:
            guard.caught(error, "export")
            return None

    def _load(self) -> None:
        if self._loaded:
            return
        self.importing = True
        try:
            import select  # noqa: F401  a notice needs it

            self._encoded_resource()
            for destination in self.destinations:
                destination.load()
        except Exception as error:
            guard.caught(error, "export")
        finally:
            self.importing = False
        self._loaded = True

    def _encoded_resource(self) -> bytes:
        if self._resource is None:
            self._resource = resource(attributes(self._settings))
        return self._resource


def _let_go(pipeline: Pipeline, extras: Extras) -> bool:
    """Let go of a span's weight, and tell whether it has been exported before."""
    pipeline.make_room(extras.weight)
    return extras.is_told
