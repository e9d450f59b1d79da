"""Serves N requests in process, each with a query, and says a hundred times how that goes.

A line is: requests served, memory in KiB, seconds of CPU.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from pathlib import Path

from flask import Flask

STATM = Path("/proc/self/statm")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024

app = Flask(__name__)
connection = sqlite3.connect(":memory:")


@app.get("/products/<int:number>")
def product(number: int) -> dict[str, int]:
    """Answer with what the database says."""
    return dict(connection.execute("SELECT 'id', ?", (number,)).fetchall())


def report(served: int) -> None:
    """Say how it goes."""
    memory = int(STATM.read_text().split()[1]) * PAGE_KIB
    print(served, memory, time.process_time(), flush=True)


count = int(sys.argv[1])
client = app.test_client()
for number in range(1, count + 1):
    client.get(f"/products/{number % 1000}").close()
    if number % (count // 100) == 0:
        report(number)
