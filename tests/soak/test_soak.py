"""A short soak: what `scripts/soak` does for long."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.soak import soak

if TYPE_CHECKING:
    from programs import Programs

REQUESTS = 20_000

# So that most is dropped: by the queue, and by requests whose time is over.
SMALL = {
    "OTEL_BSP_MAX_QUEUE_SIZE": "1024",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "256",
    "OTEL_BSP_EXPORT_TIMEOUT": "500",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
}
# What a span takes that is kept is a KiB: of all of them it would be 40 MiB.
GROWTH_MIB = 8.0


def test_nothing_grows_while_a_collector_is_down_and_every_span_is_accounted_for(
    programs: Programs,
) -> None:
    command = [sys.executable, "-m", "otel_run_bootstrap", sys.executable]
    run = soak(command, programs.environment(SMALL), REQUESTS, progress=lambda _: None)

    assert run.status == 0
    assert run.delivered + run.dropped == run.recorded == 2 * REQUESTS
    assert run.dropped > 0
    # Down for the first half, with all that may wait by a tenth of it, and up for the second.
    assert run.growth_mib(10, 50) < GROWTH_MIB
    assert run.growth_mib(10, 100) < GROWTH_MIB
    # A line a minute, of which there is one here, and one at the end.
    assert 1 <= len(run.lines) <= 2, run.lines
