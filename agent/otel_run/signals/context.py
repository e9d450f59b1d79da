"""What is current: one context variable that holds a node.

The program's own context variables are never copied or read: where context has to travel (a new
thread, an executor), this one variable travels alone.
"""

from __future__ import annotations

import sys
from _contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    class Convention(Protocol):
        """The kind of an operation, and how far out it is among its kind."""

        name: str
        layer: int


class Node:
    """What a new operation needs to know of the one around it.

    `trace_id` is 0 where there is no trace yet (only baggage came in). `values` is opaque here and
    inherited by reference; baggage has its place in it. `convention` says which kind of
    operation this is, for suppression; a remote parent has none.
    """

    __slots__ = (
        "convention",
        "remote",
        "sampled",
        "span_id",
        "trace_id",
        "trace_state",
        "values",
    )

    def __init__(
        self,
        trace_id: int = 0,
        span_id: int = 0,
        *,
        sampled: bool = False,
        remote: bool = False,
        trace_state: str = "",
        values: Mapping[str, object] | None = None,
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.sampled = sampled
        self.remote = remote
        self.trace_state = trace_state
        self.values = values
        self.convention: Convention | None = None

    def seen_from_afar(self) -> Node:
        """Return what this node is in another process: a parent, and no open operation."""
        return Node(
            self.trace_id,
            self.span_id,
            sampled=self.sampled,
            remote=True,
            trace_state=self.trace_state,
            values=self.values,
        )

    @property
    def baggage(self) -> Any:
        """The baggage that goes along, as it came in."""
        return None if self.values is None else self.values.get("baggage")


class Suppression(Node):
    """Within it nothing may be recorded."""

    __slots__ = ()


CURRENT: ContextVar[Node | None] = ContextVar("otel_run", default=None)

# For the hot path: of a name that was imported, Python makes a method anew for each call.
get_current, set_current, reset_current = CURRENT.get, CURRENT.set, CURRENT.reset

# Current in the export thread, and wherever nothing may be recorded.
SUPPRESSED = Suppression()
# Current in a request that settings exclude: as the other, but to a server another request follows.
EXCLUDED = Suppression()

if sys.version_info < (3, 12):
    from otel_run.signals import collection

    collection.watch()
