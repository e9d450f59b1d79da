"""Serves N requests with aiohttp.web, to a client in the same process that only moves bytes."""

from __future__ import annotations

import asyncio
import re
import sys

from aiohttp import web

REQUEST = b"GET /products/2 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: benchmark\r\n\r\n"
LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")


async def product(request: web.Request) -> web.Response:
    """Answer with what the route held."""
    return web.json_response({"id": int(request.match_info["number"])})


class Client(asyncio.Protocol):
    """Sends a request when the answer to the one before is there."""

    def __init__(self, count: int, done: asyncio.Future[None]) -> None:
        self.left = count
        self.done = done
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first one."""
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send one more."""
        if not isinstance(self.transport, asyncio.WriteTransport):
            raise TypeError
        self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer."""
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        length = LENGTH.search(head + b"\r\n")
        if not end or length is None or len(body) < int(length[1]):
            return
        self.received = b""
        self.left -= 1
        if self.left:
            self.send()
        else:
            self.done.set_result(None)


async def main(count: int) -> None:
    """Serve until the client has had its answers."""
    application = web.Application()
    application.router.add_get("/products/{number}", product)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    _, port = runner.addresses[0][:2]
    transport, _ = await loop.create_connection(lambda: Client(count, done), "127.0.0.1", port)
    await done
    transport.close()
    await runner.cleanup()


asyncio.run(main(int(sys.argv[1])))
