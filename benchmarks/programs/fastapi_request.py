"""Serves N requests in process: the application is called as a server of ASGI calls it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

if TYPE_CHECKING:
    from collections.abc import MutableMapping

app = FastAPI()


@app.get("/products/{number}")
async def product(number: int) -> dict[str, int]:
    """Answer with what the route held."""
    return {"id": number}


async def receive() -> dict[str, Any]:
    """Have no body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: MutableMapping[str, Any]) -> None:
    """Write to nobody."""


async def main(count: int) -> None:
    """Make a scope for each request, as it comes from a connection."""
    for _ in range(count):
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
            "headers": [
                (b"host", b"127.0.0.1:8000"),
                (b"accept", b"*/*"),
                (b"user-agent", b"benchmark/1.0"),
            ],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
        }
        await app(scope, receive, send)


asyncio.run(main(int(sys.argv[1])))
