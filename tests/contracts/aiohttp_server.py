"""aiohttp.web on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def serve_aiohttp(application: Any, **options: Any) -> Iterator[tuple[str, int]]:
    """Serve an application, or a handler alone, until the end of the `with` statement."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> tuple[web.BaseRunner, tuple[str, int]]:
        runner: Any = (
            web.AppRunner(application, **options)
            if isinstance(application, web.Application)
            else web.ServerRunner(web.Server(application, **options))
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0]

    runner, address = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield address
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
