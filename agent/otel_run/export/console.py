"""The destination `console`: for looking at telemetry while debugging, a JSON object a line."""

from __future__ import annotations

import os
import sys

from otel_run import notice
from otel_run.shadow import FOR_JSON, explain, find_shadow
from otel_run.signals.metrics import METER, Distribution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from otel_run.settings import Settings
    from otel_run.signals.metrics import Series
    from otel_run.signals.span import Span

KINDS: Final = ("", "internal", "server", "client", "producer", "consumer")
STATUSES: Final = ("unset", "ok", "error")


class Console:
    """Writes to the standard output that the process began with, past its buffer."""

    is_local = True
    keeps = False  # its reader may be slow
    may_look_up = True
    room = True

    def __init__(self, settings: Settings) -> None:
        self._signals = {name for name, chosen in settings.exporters.items() if "console" in chosen}

    def load(self) -> None:
        """Import what writing needs."""
        shadow = find_shadow(FOR_JSON)
        if shadow:
            self._signals.clear()
            notice.say(f"cannot write telemetry to stdout: {explain(shadow)}")
        else:
            import json  # noqa: F401

    def note(self, span: Span) -> None:
        """Write a span."""
        if "traces" in self._signals:
            write(describe(span))

    def lose(self, count: int) -> None:
        """Write nothing: nobody waits for it."""

    def offer(self, signal: str, payload: bytes, count: int) -> None:  # noqa: ARG002
        """Write all series where it is metrics; spans have been written one by one."""
        if signal == "metrics" and signal in self._signals:
            for instrument in METER:
                for series in instrument.settled():
                    write(describe_series(series))

    def pump(self, now: float, deadline: float | None = None) -> None:
        """Do nothing: all is written."""

    def interrupt(self) -> None:
        """Do nothing."""

    def pause(self) -> None:
        """Do nothing."""

    def after_fork_in_child(self) -> None:
        """Do nothing."""


def describe(span: Span) -> dict[str, object]:
    """Return what a reader wants to know of a span; ids in hex."""
    outcome, peer = span.outcome, span.peer
    ended = {} if outcome is None else outcome.attributes
    other_end = {} if peer is None else peer.attributes
    described: dict[str, object] = {
        "span": span.name,
        "kind": KINDS[span.description.kind],
        "milliseconds": (span.end - span.start) / 1e6,
        "status": STATUSES[0 if outcome is None else outcome.status],
        "trace_id": f"{span.trace_id:032x}",
        "span_id": f"{span.span_id:016x}",
        "parent_id": f"{span.parent_id:016x}" if span.parent_id else None,
        "attributes": {
            **span.description.attributes,
            **ended,
            **other_end,
            **(span.attributes or {}),
        },
    }
    if span.extras is not None:
        described["events"] = [
            {"name": event.name, "attributes": event.attributes} for event in span.extras.events
        ]
    return described


def describe_series(series: Series) -> dict[str, object]:
    """Return what a reader wants to know of a series."""
    described: dict[str, object] = {"metric": series.instrument.name}
    if isinstance(series, Distribution):
        described |= {"count": series.count, "sum": series.sum, "max": series.maximum}
    else:
        described["value"] = series.sum
    return {**described, "attributes": series.attributes}


def write(described: dict[str, object]) -> None:
    """Write one line, wherever there is a standard output."""
    import json

    stream = sys.__stdout__
    if stream is None or stream.closed:
        return
    line = json.dumps(described, default=str)
    try:
        os.write(stream.fileno(), line.encode() + b"\n")
    except OSError:
        return  # nobody reads it
