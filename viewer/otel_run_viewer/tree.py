"""A trace in the terminal: a line a span, with when it ran and what it was."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from otel_run.figures import tell_count, tell_duration
from otel_run_viewer.fold import Fold, find_series, fold
from otel_run_viewer.screen import Segment, count_cells
from otel_run_viewer.story import (
    tell_exception,
    tell_facts,
    tell_fold,
    tell_place,
    tell_series,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_run_viewer.screen import Glyphs, Screen
    from otel_run_viewer.trace import Node, Trace

DURATION_CELLS = 8
NARROWEST_WITH_BARS = 72
ORPHAN = Segment("its parent is not in this run", "yellow")


class Row(NamedTuple):
    """A span's or a fold's place in the tree."""

    item: Node | Fold
    branch: str  # the guides that lead to it
    below: str  # the guides of the lines under it
    caller: str  # the service of the span above


def draw_trace(trace: Trace, screen: Screen) -> None:
    """Write a trace's header and its tree."""
    screen.write(_draw_header(trace, screen))
    bars = _Bars(trace, screen)
    for row in _place(trace.grow(), screen):
        if isinstance(row.item, Fold):
            _draw_fold(row, row.item, bars, screen)
        else:
            _draw_span(row, row.item, bars, screen)


def tell_time(nanoseconds: int, layout: str) -> str:
    """Write a time in the zone of the one who reads."""
    moment = datetime.fromtimestamp(nanoseconds // 10**9, tz=timezone.utc).astimezone()
    return moment.strftime(layout)


def join(facts: list[Segment], dot: str) -> list[Segment]:
    """Put a dot between facts."""
    return [part for fact in facts for part in (Segment(dot, "dim"), fact)][1:]


def _draw_header(trace: Trace, screen: Screen) -> list[Segment]:
    clock = tell_time(trace.start, "%H:%M:%S") + f".{trace.start // 10**6 % 1000:03}"
    facts = [
        Segment(clock, "bold"),
        Segment(tell_duration(trace.duration, screen.glyphs.micro), "bold"),
        Segment(tell_count(len(trace.spans), "span")),
    ]
    services = trace.services
    if len(services) > 1:
        facts.append(Segment(screen.show(", ".join(services)), "cyan"))
    if trace.errors:
        facts.append(Segment(tell_count(trace.errors, "error"), "bold red"))
    line = join(facts, screen.glyphs.dot)
    gap = screen.width - sum(count_cells(part.text) for part in line) - len(trace.trace_id)
    if gap > 1:  # the id is there to be copied: whole or not at all
        line += [Segment(" " * gap), Segment(trace.trace_id, "dim")]
    return line


def _place(roots: list[Node], screen: Screen) -> Iterator[Row]:
    glyphs = screen.glyphs
    deepest = screen.width // 9 * 3  # of guides that are three wide
    rows = [Row(item, "", "", "") for item in reversed(fold(roots))]
    while rows:
        row = rows.pop()
        yield row
        if isinstance(row.item, Fold):
            continue
        service = row.item.span.resource.service
        last = True
        for child in reversed(fold(row.item.children)):
            branch = row.below + (glyphs.corner if last else glyphs.tee)
            below = row.below + (glyphs.gap if last else glyphs.pipe)
            rows.append(Row(child, _cut(branch, deepest, glyphs), below[-deepest:], service))
            last = False


def _cut(branch: str, deepest: int, glyphs: Glyphs) -> str:
    """Keep a very deep branch's end, so that there is room for what it leads to."""
    return branch if len(branch) <= deepest else glyphs.cut + branch[-deepest:]


def _draw_span(row: Row, node: Node, bars: _Bars, screen: Screen) -> None:
    span, dot = node.span, screen.glyphs.dot
    facts = tell_facts(span, screen, arrives=span.resource.service != row.caller)
    if node.orphan:
        facts.insert(0, ORPHAN)
    mark = f"{screen.glyphs.cross} " if span.failed else ""
    name = screen.show(span.name) or "(no name)"
    screen.write(
        [
            *bars.draw(span.start, span.start + span.duration, failed=span.failed),
            Segment(row.branch, "dim"),
            Segment(mark + name, "bold red" if span.failed else "bold"),
            Segment("  "),
            *join(facts, dot),
        ]
    )
    for note in _tell_notes(node, screen):
        guide = row.below + (screen.glyphs.pipe if node.children else screen.glyphs.gap)
        screen.write([bars.blank, Segment(guide, "dim"), note])


def _tell_notes(node: Node, screen: Screen) -> Iterator[Segment]:
    """Tell what would be cut beside a name: it has lines of its own."""
    if exception := tell_exception(node.span, screen):
        yield Segment(exception, "red")
    if place := tell_place(node.span, screen):
        yield Segment(place, "dim")
    if series := find_series(node.children):
        yield tell_series(series, screen)


def _draw_fold(row: Row, item: Fold, bars: _Bars, screen: Screen) -> None:
    facts = tell_fold(item, screen)
    if item.nodes[0].orphan:
        facts.insert(0, ORPHAN)
    name = f"{screen.show(item.first.name)} {screen.glyphs.times}{len(item.nodes):,}"
    screen.write(
        [
            *bars.draw(item.first.start, item.end, failed=False),
            Segment(row.branch, "dim"),
            Segment(name, "bold"),
            Segment("  "),
            *join(facts, screen.glyphs.dot),
        ]
    )


class _Bars:
    """The columns left of the tree: how long, and where within the trace."""

    def __init__(self, trace: Trace, screen: Screen) -> None:
        self._start = trace.start
        self._duration = max(1, trace.duration)
        self._glyphs = screen.glyphs
        self._cells = min(24, screen.width // 5) if screen.width >= NARROWEST_WITH_BARS else 0
        self.blank = Segment(" " * (DURATION_CELLS + 2 + self._cells + bool(self._cells)))

    def draw(self, start: int, end: int, *, failed: bool) -> list[Segment]:
        told = tell_duration(end - start, self._glyphs.micro).rjust(DURATION_CELLS)
        if not self._cells:
            return [Segment(f"{told}  ")]
        bar = self._draw_bar(start - self._start, end - self._start)
        return [Segment(f"{told} "), Segment(bar, "red" if failed else "cyan"), Segment("  ")]

    def _draw_bar(self, start: int, end: int) -> str:
        halves = 2 * self._cells
        first = min(halves - 1, start * halves // self._duration)
        last = max(first + 1, -(-end * halves // self._duration))
        marks = (" ", self._glyphs.bar_right, self._glyphs.bar_left, self._glyphs.bar)
        return "".join(
            marks[2 * (first <= half < last) + (first <= half + 1 < last)]
            for half in range(0, halves, 2)
        )
