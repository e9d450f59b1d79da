"""Traces: a run's spans, of all its processes, put together again as trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_run_viewer.telemetry import Span


class Node:
    """A span and its children, in the order in which they started."""

    __slots__ = ("children", "failed", "orphan", "size", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.children: list[Node] = []
        self.orphan = False  # it has a parent, which is not here
        self.failed = span.failed  # it or a span below it
        self.size = 1  # spans, itself included


class Trace:
    """The spans of one trace id, by start time, and their roots."""

    def __init__(self, trace_id: str, spans: list[Span]) -> None:
        self.trace_id = trace_id
        self.spans = sorted(spans, key=_start)
        self.start = self.spans[0].start
        self.duration = max(span.start + span.duration for span in spans) - self.start
        self.errors = sum(span.failed for span in spans)

    @property
    def services(self) -> list[str]:
        """The services' names, in the order of their first spans."""
        return list(dict.fromkeys(span.resource.service for span in self.spans))

    def grow(self) -> list[Node]:
        """Give the roots. Every span is below exactly one of them, also where parents go round."""
        nodes = [Node(span) for span in self.spans]
        below: dict[str, list[Node]] = {}
        for node in nodes:
            below.setdefault(node.span.parent_span_id, []).append(node)
        known = {node.span.span_id for node in nodes} - {""}
        roots = []
        grown: set[int] = set()
        for node in _likely_roots_first(nodes, known):
            if id(node) not in grown:
                node.orphan = bool(node.span.parent_span_id)
                roots.append(node)
                _grow(node, below, grown)
        return sorted(roots, key=lambda node: node.span.start)


def assemble(spans: Iterable[Span]) -> list[Trace]:
    """Group spans into traces, by start time."""
    groups: dict[str, list[Span]] = {}
    for span in spans:
        groups.setdefault(span.trace_id, []).append(span)
    traces = [Trace(trace_id, group) for trace_id, group in groups.items()]
    return sorted(traces, key=lambda trace: trace.start)


def _start(span: Span) -> int:
    return span.start


def _likely_roots_first(nodes: list[Node], known: set[str]) -> list[Node]:
    # Those with a parent come last: they are roots only where no root leads to them.
    return sorted(nodes, key=lambda node: node.span.parent_span_id in known)


def _grow(root: Node, below: dict[str, list[Node]], grown: set[int]) -> None:
    order = [(root, root)]
    grown.add(id(root))
    for node, _ in order:  # grows while it is read: no recursion, however deep the trace
        # pop: two spans with one id (a replayed file) do not have the children twice
        for child in below.pop(node.span.span_id or "none", ()):
            if id(child) not in grown:
                grown.add(id(child))
                node.children.append(child)
                order.append((child, node))
    for node, parent in reversed(order[1:]):
        parent.failed = parent.failed or node.failed
        parent.size += node.size
