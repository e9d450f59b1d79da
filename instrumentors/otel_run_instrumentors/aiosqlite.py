"""aiosqlite: what a connection is asked lands under who asks, in the connection's own thread.

The spans are sqlite3's, or one of a layer above that waits for them. The thread serves whoever
comes, not the one who happened to connect.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.travel import ContextCarrier, Detached, Errand

INSTRUMENTOR = Instrumentor(
    library="aiosqlite",
    versions=">=0.17",
    convention=ContextCarrier(),
    layer=0,
    targets=(
        Errand("aiosqlite.core:Connection._execute", {"fn": 0}, waits=True),
        # It starts the thread.
        Detached("aiosqlite.core:Connection.__await__"),
    ),
)
