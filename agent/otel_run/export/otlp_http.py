"""The destination `otlp`: a collector or a backend, over OTLP/HTTP."""

from __future__ import annotations

from otel_run.export.outbox import Outbox
from otel_run.export.transport import Interrupted
from otel_run.native import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.settings import Settings
    from otel_run.signals.span import Span


class OtlpHttp:
    """Sends each signal to its own endpoint.

    An interruption meets the pump that is under way, or else the next one; a pump with a deadline
    begins anew.
    """

    is_local = False
    keeps = False

    def __init__(self, settings: Settings) -> None:
        patience = {"metrics": settings.metric_export_timeout}
        self._outboxes = {
            signal: Outbox(signal, endpoint, patience.get(signal, settings.export_timeout))
            for signal, endpoint in settings.endpoints.items()
            if "otlp" in settings.exporters[signal]
        }

    @property
    def room(self) -> bool:
        """Whether no signal would have to drop a request."""
        return all(outbox.has_room for outbox in self._outboxes.values())

    @property
    def dropped(self) -> dict[str, int]:
        """How many records of each signal were lost."""
        return {signal: outbox.dropped for signal, outbox in self._outboxes.items()}

    @property
    def delivered(self) -> dict[str, int]:
        """How many records of each signal arrived."""
        return {signal: outbox.delivered for signal, outbox in self._outboxes.items()}

    @property
    def may_look_up(self) -> bool:
        """Whether a host's name may be looked up, for which there is no time-out."""
        return all(outbox.transport.may_look_up for outbox in self._outboxes.values())

    @may_look_up.setter
    def may_look_up(self, allowed: bool) -> None:
        for outbox in self._outboxes.values():
            outbox.transport.may_look_up = allowed

    def load(self) -> None:
        """Import what sending needs."""
        for outbox in self._outboxes.values():
            outbox.transport.load()

    def note(self, span: Span) -> None:
        """Take no interest in a single span."""

    def lose(self, count: int) -> None:
        """Take no interest in what was never to be sent."""

    def offer(self, signal: str, payload: bytes, count: int) -> None:
        """Take over a request of so many records, or drop it where too much is waiting."""
        self._outboxes[signal].add(payload, count)

    def pump(self, now: float, deadline: float | None = None) -> float | None:
        """Send what is due; return when to try again (by `monotonic`), None when all is sent.

        With a deadline each request has one attempt before it, in an equal share of the time for
        each signal, and those that fail are dropped.
        """
        if deadline is not None:
            self._finish(deadline)
            return None
        try:
            times = [outbox.pump(now) for outbox in self._outboxes.values()]
        except Interrupted:
            self._resume()
            return now
        return min((time for time in times if time is not None), default=None)

    def interrupt(self) -> None:
        """From another thread: make the pump under way, or the next one, return at once."""
        for outbox in self._outboxes.values():
            outbox.transport.interrupt()

    def pause(self) -> None:
        """From another thread: the same, as soon as nothing is lost or sent twice by it."""
        for outbox in self._outboxes.values():
            outbox.transport.pause()

    def after_fork_in_child(self) -> None:
        """Forget the parent's requests, and let go of its connections."""
        for outbox in self._outboxes.values():
            outbox.transport.abandon()
            outbox.forget()

    def _finish(self, deadline: float) -> None:
        self._resume()
        waiting = [outbox for outbox in self._outboxes.values() if not outbox.is_empty]
        for place, outbox in enumerate(waiting):
            now = time.monotonic()
            outbox.finish(now + (deadline - now) / (len(waiting) - place))

    def _resume(self) -> None:
        for outbox in self._outboxes.values():
            outbox.transport.resume()
