"""Serves FastAPI on one worker of uvicorn to a client in another process, for N requests.

Prints how many were answered in a second.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import uvicorn
from fastapi import FastAPI

CLIENT = Path(__file__).parent / "http_load.py"

app = FastAPI()


@app.get("/products/{number}")
async def product(number: int) -> dict[str, int]:
    """Answer with what the route held."""
    return {"id": number}


async def load(port: int, count: int) -> str:
    """Run the client, which nothing watches; what it printed."""
    command = (sys.executable, "-I", "-S", str(CLIENT), str(port), str(count))
    client = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    output, complaint = await client.communicate()
    if client.returncode:
        raise RuntimeError(complaint.decode())
    return output.decode().strip()


async def main(count: int) -> None:
    """Serve until the client has had its answers."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    # asyncio sends without delay only what names its protocol, as uvicorn's own sockets do.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        serving = asyncio.create_task(server.serve([listening]))
        rate = await load(listening.getsockname()[1], count)
        server.should_exit = True
        await serving
    print(rate)


asyncio.run(main(int(sys.argv[1])))
