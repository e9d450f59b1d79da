"""The clock of spans: `perf_counter_ns`, which nobody sets, and when that began.

One look at it is all that a call has to pay for; what it is in ns since the epoch is the export
thread's to say.
"""

from __future__ import annotations

from otel_run.native import time

# How often both clocks are looked at: a thread may lose its turn in between.
TRIES = 3


def epoch() -> int:
    """Return what to add to a time of the clock for ns since the epoch, as of now."""
    return min(_attempt() for _ in range(TRIES))[1]


def _attempt() -> tuple[int, int]:
    """Return how long it took, and what came of it."""
    before = time.perf_counter_ns()
    now = time.time_ns()
    after = time.perf_counter_ns()
    return after - before, now - (before + after) // 2
