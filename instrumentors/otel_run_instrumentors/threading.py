"""threading: a thread runs under what was current where it was started; a `Timer` is one.

Subclasses override `run`, so that it is the method around it which is patched.
"""

from __future__ import annotations

import sys

from otel_run.engine import Instrumentor
from otel_run.engine.travel import Arrival, ContextCarrier, Departure

# From Python 3.14 on a thread runs in a context of its own; before, the name is the program's.
OWN_CONTEXT = "_context" if sys.version_info >= (3, 14) else ""

INSTRUMENTOR = Instrumentor(
    library="threading",
    versions=">=3.10",
    convention=ContextCarrier(),
    layer=0,
    targets=(
        Departure("threading:Thread.start", context=OWN_CONTEXT),
        Arrival("threading:Thread._bootstrap_inner"),
    ),
)
