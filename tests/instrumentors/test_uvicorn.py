"""Applications of every kind under uvicorn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.asgi_server import AsgiServerContract
from contracts.asgi_servers import serve_uvicorn

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from contracts.asgi_server import AsgiApplication


class TestUvicorn(AsgiServerContract):
    """One span per request that the server receives."""

    library = "uvicorn"

    def serve_asgi(self, application: AsgiApplication) -> AbstractContextManager[tuple[str, int]]:
        return serve_uvicorn(application, lifespan="auto")
