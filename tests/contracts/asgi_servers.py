"""Real ASGI servers in threads; whatever they serve has been served when they are left."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import hypercorn.asyncio
import hypercorn.config
import hypercorn.trio
import trio
import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Uvicorn(uvicorn.Server):
    """Tells when it accepts connections, and leaves the signals to the tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    def install_signal_handlers(self) -> None:
        """Do nothing."""

    async def startup(self, sockets: Any = None) -> None:
        """Tell, also if it failed."""
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()


@contextmanager
def serve_uvicorn(application: Any, **options: Any) -> Iterator[tuple[str, int]]:
    """Serve with uvicorn, which waits for the requests under way at the end."""
    config = uvicorn.Config(
        application, log_config=None, **{"lifespan": "off", "http": "h11", **options}
    )
    server = Uvicorn(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert server.ready.wait(20)
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serve_hypercorn(
    application: Any, *, worker: str = "asyncio", folder: Path | None = None
) -> Iterator[tuple[str, int]]:
    """Serve with one of Hypercorn's workers; with TLS, if a folder has what it needs for that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        config = hypercorn.config.Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.graceful_timeout = 20
        config.errorlog = None
        if folder is not None:
            config.keyfile, config.certfile = f"{folder}/key.pem", f"{folder}/certificate.pem"
        stop = Stop()
        run = run_asyncio if worker == "asyncio" else run_trio
        thread = threading.Thread(target=run, args=(application, config, stop))
        thread.start()
        try:
            yield address
        finally:
            stop.call()
            thread.join()


class Stop:
    """Ends a server that runs in another thread."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.call: Any = None


def run_asyncio(application: Any, config: Any, stop: Stop) -> None:
    """Run the worker of asyncio."""

    async def main() -> None:
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.call = lambda: loop.call_soon_threadsafe(event.set)
        await hypercorn.asyncio.serve(application, config, shutdown_trigger=event.wait)

    asyncio.run(main())


def run_trio(application: Any, config: Any, stop: Stop) -> None:
    """Run the worker of trio."""

    async def main() -> None:
        event = trio.Event()
        token = trio.lowlevel.current_trio_token()
        stop.call = lambda: token.run_sync_soon(event.set)
        await hypercorn.trio.serve(application, config, shutdown_trigger=event.wait)

    trio.run(main)
