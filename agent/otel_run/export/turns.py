"""Where the program keeps the interpreter to itself between its requests, and no thread runs then.

There the thread works while a request waits for it, at its end: at most once in the time in which
it would have sent by itself. What a few quick requests record after such a turn waits for the next
one, or for the end of the process.
"""

from __future__ import annotations

from otel_run.export.pipeline import Pipeline
from otel_run.native import time
from otel_run.signals.context import get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.signals.span import Span

# What a request waits at most, for a collector that is slow.
WAIT = 0.2  # s


class Attended(Pipeline):
    """A pipeline to whose `record` every span comes: nobody puts one onto the queue himself."""

    @property
    def threshold(self) -> int:
        """The length from which on a record is looked at."""
        return 0

    @threshold.setter
    def threshold(self, length: int) -> None:
        pass


class Turns:
    """Stands before a pipeline's own way to record."""

    def __init__(self, pipeline: Pipeline, interval: float) -> None:
        self._pipeline = pipeline
        self._record = pipeline.record
        self._interval = interval
        self._next = 0.0
        pipeline.__class__ = Attended
        pipeline.record = self.record  # type: ignore[method-assign]

    def record(self, span: Span) -> None:
        """Take over a span, the last one of a request with all that is on the queue."""
        self._record(span)
        # While something is current, the request is still being served.
        if get_current() is None and time.monotonic() >= self._next:
            self._pipeline.give_turn(WAIT)
            self._next = time.monotonic() + self._interval
