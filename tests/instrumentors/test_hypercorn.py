"""Applications of every kind under Hypercorn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.asgi_server import AsgiServerContract
from contracts.asgi_servers import serve_hypercorn

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from contracts.asgi_server import AsgiApplication


class TestHypercorn(AsgiServerContract):
    """One span per request that the worker of asyncio receives."""

    library = "hypercorn"

    def serve_asgi(self, application: AsgiApplication) -> AbstractContextManager[tuple[str, int]]:
        return serve_hypercorn(application)


class TestHypercornOnTrio(AsgiServerContract):
    """One span per request that the worker of trio receives."""

    library = "hypercorn"

    def serve_asgi(self, application: AsgiApplication) -> AbstractContextManager[tuple[str, int]]:
        return serve_hypercorn(application, worker="trio")
