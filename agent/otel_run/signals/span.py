"""A span as it is recorded, until the export thread encodes it."""

from __future__ import annotations

from otel_run.signals.context import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_run.signals.description import Description, Outcome, Peer
    from otel_run.signals.values import Attributes, Value

# SpanKind of OTLP (opentelemetry/proto/trace/v1/trace.proto).
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5

# Status.StatusCode of OTLP.
UNSET, OK, ERROR = 0, 1, 2


class Event:
    """Something that happened at `time`, of `clock`, within a span."""

    __slots__ = ("attributes", "name", "time")

    def __init__(self, name: str, time: int, attributes: Attributes) -> None:
        self.name = name
        self.time = time
        self.attributes = attributes


class Link:
    """A span of another place that this one has to do with."""

    __slots__ = ("attributes", "sampled", "span_id", "trace_id", "trace_state")

    def __init__(
        self,
        trace_id: int,
        span_id: int,
        *,
        sampled: bool = True,
        trace_state: str = "",
        attributes: Attributes | None = None,
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.sampled = sampled
        self.trace_state = trace_state
        self.attributes = attributes or {}


class Extras:
    """What few spans have; a span without any of it has no such object."""

    __slots__ = (
        "dropped_attributes",
        "dropped_events",
        "dropped_links",
        "events",
        "is_told",
        "links",
        "message",
        "weight",
    )

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.links: list[Link] = []
        self.message = ""
        self.dropped_attributes = 0
        self.dropped_events = 0
        self.dropped_links = 0
        self.weight = 0  # bytes that the record holds beyond the usual
        self.is_told = False  # that it was open when the process ended: it has been exported


class Span(Node):
    """One operation: ids, times of `clock`, and attributes in four parts.

    What calls have in common is in `description` (known at the start), `outcome` (known at the end)
    and `peer` (with no key of the others'), all described and encoded once; `attributes` holds what
    is this call's own. A finished span never changes.
    """

    __slots__ = (
        "attributes",
        "description",
        "end",
        "extras",
        "outcome",
        "parent_id",
        "parent_is_remote",
        "peer",
        "start",
    )

    def __init__(
        self,
        trace_id: int,
        span_id: int,
        parent_id: int,
        sampled: bool,  # noqa: FBT001
        parent_is_remote: bool,  # noqa: FBT001
        trace_state: str,
        values: Mapping[str, object] | None,
        description: Description,
        start: int,
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.sampled = sampled
        self.remote = False
        self.parent_is_remote = parent_is_remote
        self.trace_state = trace_state
        self.values = values
        self.description = description
        self.attributes: dict[str, Value] | None = None
        self.start = start
        self.end = 0
        self.outcome: Outcome | None = None
        self.extras: Extras | None = None
        self.peer: Peer | None = None

    @property
    def name(self) -> str:
        """What the operation is called, which may depend on how it ended."""
        outcome = self.outcome
        return self.description.name if outcome is None else outcome.name
