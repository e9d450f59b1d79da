"""multiprocessing: a process, and a task of a pool, runs under what was current where it was given.

So it is for threads in the place of processes, `ThreadPool`. Into a process goes what can be
pickled; it arrives in `children.py`. The threads and processes of a pool or a manager serve
whoever comes, not the one who happened to make it.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.travel import ContextCarrier, Detached, Embarkation, Errand

# `map`, `starmap` and their asynchronous forms end in `_map_async`, `apply` in `apply_async`.
# Callbacks are called by a thread that serves the whole pool.
METHODS = {
    "apply_async": {"func": 0, "callback": 3, "error_callback": 4},
    "_map_async": {"func": 0, "callback": 4, "error_callback": 5},
    "imap": {"func": 0},
    "imap_unordered": {"func": 0},
}

INSTRUMENTOR = Instrumentor(
    library="multiprocessing",
    versions=">=3.10",
    convention=ContextCarrier(),
    layer=0,
    targets=(
        Embarkation("multiprocessing.process:BaseProcess.start"),
        *(
            Errand(f"multiprocessing.pool:Pool.{name}", functions)
            for name, functions in METHODS.items()
        ),
        Detached("multiprocessing.pool:Pool.__init__"),
        Detached("multiprocessing.managers:BaseManager.start"),
    ),
)
