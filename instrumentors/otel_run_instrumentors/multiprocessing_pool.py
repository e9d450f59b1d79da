"""multiprocessing.pool: a `ThreadPool` runs each task under what was current where it was given.

Processes get nothing: what they run is pickled. The threads and processes of a pool serve whoever
comes, not the one who happened to make it.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.travel import ContextCarrier, Detached, Errand

# `map`, `starmap` and their asynchronous forms end in `_map_async`, `apply` in `apply_async`.
METHODS = ("apply_async", "_map_async", "imap", "imap_unordered")

INSTRUMENTOR = Instrumentor(
    library="multiprocessing.pool",
    versions=">=3.10",
    convention=ContextCarrier(),
    layer=0,
    targets=(
        *(Errand(f"multiprocessing.pool:ThreadPool.{name}", 0, "func") for name in METHODS),
        Detached("multiprocessing.pool:Pool.__init__"),
    ),
)
