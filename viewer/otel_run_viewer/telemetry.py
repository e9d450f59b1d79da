"""What OTLP carries, as plain values: ids in lower-case hex, times in nanoseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Union

# A union at run time, and Python 3.10 has no lazy aliases.
Value = Union[None, bool, int, float, str, bytes, "tuple[Value, ...]", "dict[str, Value]"]
Attributes = dict[str, Value]

ERROR = 2  # Status.STATUS_CODE_ERROR
CUMULATIVE = 2  # AGGREGATION_TEMPORALITY_CUMULATIVE
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


class Resource(NamedTuple):
    """The process that reports."""

    attributes: Attributes
    dropped_attributes: int

    @property
    def service(self) -> str:
        """Its service.name, which the specification requires."""
        return str(self.attributes.get("service.name") or "unknown_service")


class Scope(NamedTuple):
    """The instrumentation that recorded."""

    name: str
    version: str
    attributes: Attributes
    dropped_attributes: int


class Event(NamedTuple):
    """Something that happened while a span was open."""

    time: int
    name: str
    attributes: Attributes
    dropped_attributes: int


class Link(NamedTuple):
    """A span of perhaps another trace that this one comes from."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: Attributes
    dropped_attributes: int
    flags: int


class Span(NamedTuple):
    """One operation; `parent_span_id` is empty for a root."""

    trace_id: str
    span_id: str
    parent_span_id: str
    trace_state: str
    flags: int
    name: str
    kind: int
    start: int
    end: int
    attributes: Attributes
    dropped_attributes: int
    events: tuple[Event, ...]
    dropped_events: int
    links: tuple[Link, ...]
    dropped_links: int
    status: int
    status_message: str
    resource: Resource
    scope: Scope

    @property
    def duration(self) -> int:
        """Nanoseconds; 0 where the clock went backwards or the end is unknown."""
        return max(0, self.end - self.start)

    @property
    def incomplete(self) -> bool:
        """Whether it was open when its process ended, which the agent marks."""
        return self.attributes.get("otel_run.incomplete") is True

    @property
    def failed(self) -> bool:
        """Whether its status is ERROR."""
        return self.status == ERROR

    @property
    def kind_name(self) -> str:
        """Its kind as the specification spells it, in lower case."""
        return KINDS[self.kind] if self.kind < len(KINDS) else KINDS[0]


@dataclass(frozen=True)
class NumberPoint:
    """A point of a sum or a gauge; None where the value is missing."""

    attributes: Attributes
    start: int
    time: int
    flags: int
    value: int | float | None


@dataclass(frozen=True)
class HistogramPoint:
    """A point of a histogram: one more bucket than bounds."""

    attributes: Attributes
    start: int
    time: int
    flags: int
    count: int
    sum: float | None
    min: float | None
    max: float | None
    bucket_counts: tuple[int, ...]
    explicit_bounds: tuple[float, ...]


class Metric(NamedTuple):
    """An instrument's points at one export; other kinds than these three come without points."""

    name: str
    description: str
    unit: str
    kind: str
    temporality: int
    monotonic: bool
    points: tuple[NumberPoint, ...] | tuple[HistogramPoint, ...]
    resource: Resource
    scope: Scope
