"""Where telemetry goes, signal by signal."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from otel_run.settings import Settings
    from otel_run.signals.span import Span

    class Destination(Protocol):
        """Takes over payloads and delivers them; only the export thread calls it.

        `interrupt` and `pause` alone are called from other threads. `room` is false while it would
        have to drop what it is offered. Names are only looked up while it `may_look_up`. One that
        `keeps` what it is offered has it at once, whatever becomes of the process.
        """

        is_local: bool
        keeps: bool
        may_look_up: bool

        @property
        def room(self) -> bool:
            """Whether nothing would have to be dropped."""

        def load(self) -> None:
            """Import what sending needs."""

        def note(self, span: Span) -> None:
            """See a span that is about to be offered."""

        def lose(self, count: int) -> None:
            """Hear of so many spans that will never be offered."""

        def offer(self, signal: str, payload: bytes, count: int) -> None:
            """Take over a request of so many records."""

        def pump(self, now: float, deadline: float | None) -> float | None:
            """Send what is due; return when to try again (`monotonic`), None when all is sent.

            With a deadline every request has one attempt before it.
            """

        def interrupt(self) -> None:
            """Make blocking input and output fail now."""

        def pause(self) -> None:
            """Have `pump` return at the next point at which nothing is cut short."""

        def after_fork_in_child(self) -> None:
            """Forget what is the parent's."""


SIGNALS = ("traces", "metrics")


def make_routes(settings: Settings) -> dict[str, list[Destination]]:
    """Return the destinations of each signal; one object serves all signals that name it."""
    names = {name for signal in SIGNALS for name in settings.exporters[signal]}
    made = {name: _make(name, settings) for name in sorted(names)}
    return {signal: [made[name] for name in settings.exporters[signal]] for signal in SIGNALS}


def _make(name: str, settings: Settings) -> Destination:
    if name == "local":
        from otel_run.export.store import LocalStore

        return LocalStore(settings)
    if name == "console":
        from otel_run.export.console import Console

        return Console(settings)
    from otel_run.export.otlp_http import OtlpHttp

    return OtlpHttp(settings)
