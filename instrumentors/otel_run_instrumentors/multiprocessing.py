"""multiprocessing: a process, and a task of a pool, runs under what was current where it was given.

So it is for threads in the place of processes, `ThreadPool`. Into a process goes what can be
pickled; it arrives in `children.py`. The threads and processes of a pool or a manager serve
whoever comes, not the one who happened to make it.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.travel import ContextCarrier, Detached, Embarkation, Errand

# `map`, `starmap` and their asynchronous forms end in `_map_async`, `apply` in `apply_async`.
METHODS = ("apply_async", "_map_async", "imap", "imap_unordered")

INSTRUMENTOR = Instrumentor(
    library="multiprocessing",
    versions=">=3.10",
    convention=ContextCarrier(),
    layer=0,
    targets=(
        Embarkation("multiprocessing.process:BaseProcess.start"),
        *(Errand(f"multiprocessing.pool:Pool.{name}", 0, "func") for name in METHODS),
        Detached("multiprocessing.pool:Pool.__init__"),
        Detached("multiprocessing.managers:BaseManager.start"),
    ),
)
