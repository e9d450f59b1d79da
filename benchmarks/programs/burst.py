"""Runs N statements as fast as they go, then 5,000 a second for five seconds.

Prints how many seconds the first N took.
"""

from __future__ import annotations

import sqlite3
import sys
from time import perf_counter, sleep

STEADY_TICKS = 500
STATEMENTS_PER_TICK = 50
SECONDS_PER_TICK = 0.01

cursor = sqlite3.connect(":memory:").cursor()
began = perf_counter()
for _ in range(int(sys.argv[1])):
    cursor.execute("SELECT 1")
ended = perf_counter()
for tick in range(STEADY_TICKS):
    for _ in range(STATEMENTS_PER_TICK):
        cursor.execute("SELECT 1")
    sleep(max(0.0, ended + (tick + 1) * SECONDS_PER_TICK - perf_counter()))
print(ended - began)
