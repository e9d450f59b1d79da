"""What a span's line tells: where, how it ended, and what was asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from otel_run.figures import tell_duration
from otel_run_viewer.screen import Segment

if TYPE_CHECKING:
    from otel_run_viewer.fold import Fold
    from otel_run_viewer.screen import Screen
    from otel_run_viewer.telemetry import Attributes, Span

# A line of a stack trace, and what is no file of the program's own in one.
FRAME = re.compile(r'^  File "([^"\n]*)", line ([0-9]+), in (.*)$', re.MULTILINE)
LIBRARY = re.compile(r"[\\/](?:site|dist)-packages[\\/]|[\\/]lib[\\/]python[0-9.]+[\\/]|^<")
CLIENT_ERROR, SERVER_ERROR = 400, 500
# What was asked; the first that a span has and its name does not say already.
SUBJECTS = (
    "db.query.text",
    "url.full",
    "url.path",
    "messaging.destination.name",
    "rpc.method",
    "server.address",
)


def tell_facts(span: Span, screen: Screen, *, arrives: bool) -> list[Segment]:
    """Tell of one span. `arrives`: the span above is of another service, or there is none."""
    facts = []
    if arrives:
        facts.append(Segment(screen.show(span.resource.service), "cyan"))
    facts += _tell_kind(span, arrives=arrives)
    facts += _tell_outcome(span, screen)
    facts += _tell_subject(span, screen)
    return facts


def tell_fold(fold: Fold, screen: Screen) -> list[Segment]:
    """Tell what equal siblings have in common."""
    facts = [Segment(f"{tell_duration(fold.total, screen.glyphs.micro)} in all", "dim")]
    if fold.repeats_query:
        facts.append(Segment("N+1?", "yellow"))
    if fold.inner:
        facts.append(Segment(f"{fold.inner:,} spans inside", "dim"))
    for key in ("db.query.text", "url.full", "server.address"):
        if text := fold.shared(key):
            return [*facts, Segment(screen.show(text), "dim")]
    return facts


def tell_series(series: list[Span], screen: Screen) -> Segment:
    """Tell that calls waited for each other."""
    total = tell_duration(sum(call.duration for call in series), screen.glyphs.micro)
    return Segment(f"{len(series)} HTTP calls one after another, {total} in all", "yellow")


def tell_exception(span: Span, screen: Screen) -> str:
    """Give a failed span's last exception, else its status message; empty for others."""
    if not span.failed:
        return ""
    exception = _last_exception(span)
    if exception is None:
        return screen.show(span.status_message)
    parts = (_read_text(exception, key) for key in ("exception.type", "exception.message"))
    return screen.show(": ".join(filter(None, parts)))


def tell_place(span: Span, screen: Screen) -> str:
    """Give the program's own line that the exception came through last: `shop/app.py:73, in buy`.

    Empty where there is none, or only those of libraries.
    """
    exception = _last_exception(span) if span.failed else None
    frames = FRAME.findall(_read_text(exception or {}, "exception.stacktrace"))
    own = [frame for frame in frames if not LIBRARY.search(frame[0])]
    if not own:
        return ""
    path, line, function = own[-1]
    return screen.show(f"{_shortened(path)}:{line}, in {function}")


def _shortened(path: str) -> str:
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):  # it is elsewhere, or there is no working folder any more
        return path


def _last_exception(span: Span) -> Attributes | None:
    for event in reversed(span.events):
        if event.name == "exception":
            return event.attributes
    return None


def _tell_kind(span: Span, *, arrives: bool) -> list[Segment]:
    kind = span.kind_name
    if kind == "server":
        told = not arrives
    elif kind == "client":
        told = not any(key in span.attributes for key in ("http.request.method", "db.system.name"))
    else:
        told = kind in ("producer", "consumer")
    return [Segment(kind, "dim")] if told else []


def _tell_outcome(span: Span, screen: Screen) -> list[Segment]:
    facts = []
    status = span.attributes.get("http.response.status_code")
    if status is not None:
        facts.append(Segment(screen.show(str(status)), _status_style(status)))
    error = _read_text(span.attributes, "error.type")
    if error and error != str(status) and not tell_exception(span, screen).startswith(error):
        facts.append(Segment(screen.show(error), "red"))
    if span.incomplete:
        facts.append(Segment("open when its process ended", "yellow"))
    return facts


def _status_style(status: object) -> str:
    if not isinstance(status, int) or status < CLIENT_ERROR:
        return "dim"
    return "yellow" if status < SERVER_ERROR else "red"


def _tell_subject(span: Span, screen: Screen) -> list[Segment]:
    for key in SUBJECTS:
        text = _read_text(span.attributes, key)
        if text:
            said = span.name.endswith(text)
            return [] if said else [Segment(screen.show(text), "dim")]
    return []


def _read_text(attributes: Attributes, key: str) -> str:
    value = attributes.get(key)
    return "" if value is None else str(value)
