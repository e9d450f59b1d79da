"""What repeats among siblings: equal ones in a row are told in one line, with a hint at why."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_run_viewer.telemetry import Span
    from otel_run_viewer.trace import Node

FEWEST_FOLDED = 5
FEWEST_IN_SERIES = 3
CLIENT = 3  # SpanKind
WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE")


class Fold(NamedTuple):
    """Five or more siblings in a row of one name, kind and service, none of which failed."""

    nodes: list[Node]

    @property
    def first(self) -> Span:
        return self.nodes[0].span

    @property
    def end(self) -> int:
        return max(node.span.start + node.span.duration for node in self.nodes)

    @property
    def total(self) -> int:
        """Nanoseconds in all."""
        return sum(node.span.duration for node in self.nodes)

    @property
    def inner(self) -> int:
        """How many spans are below them."""
        return sum(node.size - 1 for node in self.nodes)

    def shared(self, key: str) -> str:
        """Give an attribute that all have in common, else an empty string."""
        values = {str(node.span.attributes.get(key, "")) for node in self.nodes}
        return values.pop() if len(values) == 1 else ""

    @property
    def repeats_query(self) -> bool:
        """Whether one statement was sent again and again to read row by row."""
        text = self.shared("db.query.text")
        return bool(text) and not text.lstrip().upper().startswith(WRITES)


def fold(siblings: list[Node]) -> list[Node | Fold]:
    """Replace long rows of equal siblings by folds; the order stays."""
    folded: list[Node | Fold] = []
    for _, row in groupby(siblings, key=_likeness):
        nodes = list(row)
        if len(nodes) >= FEWEST_FOLDED and not nodes[0].failed:
            folded.append(Fold(nodes))
        else:
            folded.extend(nodes)
    return folded


def find_series(siblings: list[Node]) -> list[Span]:
    """Find the longest row of HTTP calls of which none began before the last one's end.

    A call with its redirects and retries, which have to wait, is one. Fewer than three calls are no
    series.
    """
    longest: list[Span] = []
    row: list[Span] = []
    for call in _http_calls(siblings):
        if row and call.start < row[-1].end:
            row = []
        row.append(call)
        if len(row) > len(longest):
            longest = row
    return longest if len(longest) >= FEWEST_IN_SERIES else []


def _http_calls(siblings: list[Node]) -> Iterator[Span]:
    for node in siblings:
        attributes = node.span.attributes
        status = attributes.get("http.response.status_code")
        redirected = isinstance(status, int) and 300 <= status < 400  # noqa: PLR2004 - 3xx
        called = node.span.kind == CLIENT and "http.request.method" in attributes
        if called and not redirected and not attributes.get("http.request.resend_count"):
            yield node.span


def _likeness(node: Node) -> tuple[str, int, str, bool, bool, bool]:
    span = node.span
    how = node.orphan, node.failed, span.incomplete
    return span.name, span.kind, span.resource.service, *how
