"""Calls a FastAPI endpoint that takes 1 ms, N times, 500 times a second, in process.

Each call begins when it is due, however long those before it take, and its latency counts from
then. Prints the median and the 99th percentile of it, in milliseconds. The first two seconds are
left out: in them, once in the life of a process, telemetry loads what it exports with.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

if TYPE_CHECKING:
    from collections.abc import MutableMapping

SECONDS_BETWEEN_CALLS = 1 / 500
WARM_UP_CALLS = 1_000

app = FastAPI()


@app.get("/products/{number}")
async def product(number: int) -> dict[str, int]:
    """Answer with what the route held, after as long as a fast database takes."""
    await asyncio.sleep(0.001)
    return {"id": number}


async def receive() -> dict[str, Any]:
    """Have no body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: MutableMapping[str, Any]) -> None:
    """Write to nobody."""


async def call(due: float, latencies: list[float]) -> None:
    """Call the application as a server does, and note the seconds from when that was due."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/products/2",
        "raw_path": b"/products/2",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"benchmark/1.0")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)
    latencies.append(perf_counter() - due)


async def main(count: int) -> None:
    """Begin the calls on time, and keep no more of them than their latencies."""
    latencies: list[float] = []
    calls: set[asyncio.Task[None]] = set()
    began = perf_counter()
    for number in range(count):
        due = began + number * SECONDS_BETWEEN_CALLS
        await asyncio.sleep(due - perf_counter())
        task = asyncio.create_task(call(due, latencies))
        calls.add(task)
        task.add_done_callback(calls.discard)
    await asyncio.gather(*calls)
    percentiles = quantiles(latencies[WARM_UP_CALLS:], n=100)
    print(percentiles[49] * 1e3, percentiles[98] * 1e3)


# epoll waits for whole milliseconds, in which what is measured here would be lost.
loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
loop.run_until_complete(main(int(sys.argv[1])))
loop.close()
