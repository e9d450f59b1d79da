"""Serves FastAPI on one worker of uvicorn to a client in another process, for N requests.

`fastapi_served.py N products` calls an endpoint that does nothing, without a log of requests: the
worst case. `fastapi_served.py N orders` calls one that takes and gives documents which are checked,
as most do, under uvicorn's defaults. Prints how many were answered in a second.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

CLIENT = Path(__file__).parent / "http_load.py"

app = FastAPI()


class Item(BaseModel):
    """One line of an order."""

    product: str = Field(min_length=1, max_length=40)
    quantity: int = Field(ge=1)
    price: float = Field(ge=0)


class Order(BaseModel):
    """What a customer asks for."""

    customer: int
    items: list[Item] = Field(min_length=1)


class Receipt(BaseModel):
    """What the customer is told."""

    customer: int
    items: list[Item]
    total: float


@app.get("/products/{number}")
async def product(number: int) -> dict[str, int]:
    """Answer with what the route held."""
    return {"id": number}


@app.post("/orders")
async def order(wanted: Order) -> Receipt:
    """Answer with what was ordered, and what it costs."""
    total = sum(item.quantity * item.price for item in wanted.items)
    return Receipt(customer=wanted.customer, items=wanted.items, total=total)


async def load(port: int, count: int, endpoint: str) -> str:
    """Run the client, which nothing watches; what it printed."""
    command = (sys.executable, "-I", "-S", str(CLIENT), str(port), str(count), endpoint)
    client = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    output, complaint = await client.communicate()
    if client.returncode:
        raise RuntimeError(complaint.decode())
    return output.decode().strip()


async def main(count: int, endpoint: str) -> str:
    """Serve until the client has had its answers."""
    settings: dict[str, Any] = {"log_level": "warning"} if endpoint == "products" else {}
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    # asyncio sends without delay only what names its protocol, as uvicorn's own sockets do.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        serving = asyncio.create_task(server.serve([listening]))
        rate = await load(listening.getsockname()[1], count, endpoint)
        server.should_exit = True
        await serving
    return rate


# The log of requests goes where a service's does: to somebody else.
output = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
printed = asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
os.write(output, f"{printed}\n".encode())
