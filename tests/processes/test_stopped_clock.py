"""freezegun stops the clocks wherever it finds them; what it does not know of goes on."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector import Collector
    from programs import Programs

PROGRAM = """
import sqlite3, sys, time
from freezegun import freeze_time

connection = sqlite3.connect(":memory:")
with freeze_time("2012-01-14"):
    connection.execute("SELECT 1")
    print(time.time(), flush=True)
    sys.stdin.readline()
connection.execute("SELECT 2")
sys.stdin.readline()
"""


def has(number: int) -> Callable[[Collector], bool]:
    """Tell whether so many spans have come."""
    return lambda collector: len(collector.spans()) == number


def test_spans_keep_their_times_and_are_sent_in_time(
    programs: Programs, collector: Collector
) -> None:
    begun = time.time_ns()
    env = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
    process = programs.start(PROGRAM, env=env, stdin=subprocess.PIPE)
    assert process.stdin is not None
    for number in (1, 2):
        collector.wait_for(has(number))
        process.stdin.write("\n")
        process.stdin.flush()
    stdout, _ = process.communicate(timeout=60)

    assert (process.returncode, stdout) == (0, "1326499200.0\n")
    first, second = collector.spans()
    assert begun < first.start < first.end < second.start < second.end < time.time_ns()
