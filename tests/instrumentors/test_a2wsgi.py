"""Applications of WSGI that a2wsgi serves as such of ASGI."""

from __future__ import annotations

from typing import Any

from a2wsgi import WSGIMiddleware

from contracts.instrumentor import InstrumentorContract
from contracts.wsgi_bridge import WsgiBridgeContract


class TestA2wsgi(InstrumentorContract, WsgiBridgeContract):
    """No span of its own: the server's is told."""

    library = "a2wsgi"

    def adapt(self, application: Any) -> Any:
        return WSGIMiddleware(application)
