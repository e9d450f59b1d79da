"""threading: a thread runs under what was current where it was started; a `Timer` is one.

Subclasses override `run`, so that it is the method around it which is patched.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.travel import Arrival, ContextCarrier, Departure

INSTRUMENTOR = Instrumentor(
    library="threading",
    versions=">=3.10",
    convention=ContextCarrier(),
    layer=0,
    targets=(
        # From Python 3.14 on a thread runs in a context of its own.
        Departure("threading:Thread.start", context="_context"),
        Arrival("threading:Thread._bootstrap_inner"),
    ),
)
