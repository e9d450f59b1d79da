"""What repeats, described once: the parts that calls of one kind have in common.

An outcome holds the encoded bytes of both parts, and a peer its own; the encoder fills them in when
it first meets them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.signals.metrics import Distribution
    from otel_run.signals.values import Attributes


class Scope:
    """The instrumentation scope: which instrumentor records."""

    __slots__ = ("encoded", "name", "version")

    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self.version = version
        self.encoded: bytes | None = None


class Outcome:
    """How calls of one description end: name, attributes, status, and the series that has them."""

    __slots__ = ("attributes", "encoded", "name", "series", "status")

    def __init__(
        self, name: str, attributes: Attributes, status: int, series: Distribution | None
    ) -> None:
        self.name = name
        self.attributes = attributes
        self.status = status
        self.series = series
        self.encoded: bytes | None = None


class Peer:
    """Who is at the other end of calls: the attributes that say so, at most `MOST` of them."""

    __slots__ = ("attributes", "encoded")

    MOST = 4

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes
        self.encoded: bytes | None = None


class Description:
    """How calls of one kind begin: the span's name and kind, and the attributes known by then.

    `outcomes` keeps the endings seen so far, under the convention's own key. `facts` is the
    convention's: what it needs to know to describe an ending.
    """

    __slots__ = ("attributes", "facts", "kind", "name", "outcomes", "scope")

    def __init__(
        self, scope: Scope, name: str, kind: int, attributes: Attributes, facts: Attributes
    ) -> None:
        self.scope = scope
        self.name = name
        self.kind = kind
        self.attributes = attributes
        self.facts = facts
        self.outcomes: dict[object, Outcome] = {}
