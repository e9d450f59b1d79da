"""concurrent.futures: what is submitted to a pool runs under what was current there.

For threads the item of work carries it, so that the function that was submitted stays the one that
is called; for processes the function does. A callback has what was current where it was added.
Threads and processes of a pool serve whoever comes, not the one who happened to start them.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.travel import Arrival, ContextCarrier, Departure, Detached, Errand

THREADS = "concurrent.futures.thread"
PROCESSES = "concurrent.futures.process:ProcessPoolExecutor"

INSTRUMENTOR = Instrumentor(
    library="concurrent.futures",
    versions=">=3.10",
    convention=ContextCarrier(),
    layer=0,
    targets=(
        Errand("concurrent.futures._base:Future.add_done_callback", {"fn": 0}),
        Departure(f"{THREADS}:_WorkItem.__init__"),
        Arrival(f"{THREADS}:_WorkItem.run"),
        Detached(f"{THREADS}:ThreadPoolExecutor._adjust_thread_count"),
        Errand(f"{PROCESSES}.submit", {"fn": 0}),
        Detached(f"{PROCESSES}._adjust_process_count"),
        Detached(f"{PROCESSES}._start_executor_manager_thread"),
    ),
)
