"""What a process recorded, in a few numbers, for the lines at the end of a run."""

from __future__ import annotations

import os

from otel_run.notice import escape
from otel_run.signals.span import ERROR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from otel_run.signals.span import Span

# Root spans that are kept by name, and characters of a name.
KEPT = 3
LONGEST_NAME = 200

COUNTS: Final = ("pid", "traces", "spans", "errors", "dropped")

# Digits of a number that is believed.
_LONGEST_NUMBER = 20


class Tally:
    """Counts of traces (spans without a parent), spans, failed spans and records lost.

    `slowest` has up to three of the root spans: nanoseconds, trace id, name.
    """

    __slots__ = ("_fastest", "dropped", "errors", "pid", "slowest", "spans", "traces")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin again from zero, as a forked child does."""
        self.pid = os.getpid()
        self.traces = self.spans = self.errors = self.dropped = 0
        self.slowest: list[tuple[int, int, str]] = []
        self._fastest = -1 << 64  # of those, once there are three

    def add(self, span: Span) -> None:
        """Count a finished span."""
        self.spans += 1
        outcome = span.outcome
        if outcome is not None and outcome.status == ERROR:
            self.errors += 1
        if not span.parent_id:
            self.traces += 1
            duration = span.end - span.start
            if duration > self._fastest:
                self._keep(duration, span.trace_id, span.name)

    def _keep(self, duration: int, trace_id: int, name: str) -> None:
        self.slowest.append((duration, trace_id, name[:LONGEST_NAME]))
        self.slowest.sort(reverse=True)
        del self.slowest[KEPT:]
        if len(self.slowest) == KEPT:
            self._fastest = self.slowest[-1][0]

    def encode(self) -> bytes:
        """Return the text of a tally's frame: a key and a value on each line."""
        lines = [f"{key} {getattr(self, key)}" for key in COUNTS]
        lines += [
            f"slowest {duration} {trace_id:032x} {escape(name)}"
            for duration, trace_id, name in self.slowest
        ]
        return "\n".join(lines).encode("utf-8", "backslashreplace")


def decode(text: bytes) -> Tally:
    """Read a tally's frame; what it says that cannot be, it does not say."""
    tally = Tally()
    tally.pid = 0
    for line in text.decode("utf-8", "replace").split("\n"):
        key, _, value = line.partition(" ")
        if key in COUNTS:
            setattr(tally, key, _number(value))
        elif key == "slowest" and len(tally.slowest) < KEPT:
            duration, _, rest = value.partition(" ")
            trace_id, _, name = rest.partition(" ")
            tally.slowest.append((_number(duration), _trace_id(trace_id), name[:LONGEST_NAME]))
    return tally


def _number(text: str) -> int:
    believed = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if believed else 0


def _trace_id(text: str) -> int:
    try:
        return int.from_bytes(bytes.fromhex(text), "big")
    except ValueError:
        return 0
