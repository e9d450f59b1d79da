"""The clock of spans, against the one that tells the time."""

from __future__ import annotations

from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING

from otel_run.signals.clock import epoch
from pipeline.records import RECORD

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

# ns; both clocks go on while they are looked at, and one of them is set now and then.
SLACK = 10**8


def test_a_time_of_the_clock_and_its_epoch_are_the_time() -> None:
    before = time_ns()
    found = perf_counter_ns() + epoch()

    assert before - SLACK < found < time_ns() + SLACK


def test_spans_and_their_events_arrive_with_the_time(
    programs: Programs, collector: Collector
) -> None:
    before = time_ns()
    programs.run(f"{RECORD}\ntry:\n    cursor.execute('SELECT missing')\nfinally:\n    record(1)\n")

    failed, span = collector.spans()
    (event,) = failed.events
    times = [failed.start, event.time, failed.end, span.start, span.end]
    assert before - SLACK < times[0]
    assert times == sorted(times)
    assert times[-1] < time_ns() + SLACK
