"""Applications of WSGI that asgiref serves as such of ASGI."""

from __future__ import annotations

from typing import Any

from asgiref.wsgi import WsgiToAsgi

from contracts.instrumentor import InstrumentorContract
from contracts.wsgi_bridge import WsgiBridgeContract


class TestAsgiref(InstrumentorContract, WsgiBridgeContract):
    """No span of its own: the server's is told."""

    library = "asgiref"

    def adapt(self, application: Any) -> Any:
        return WsgiToAsgi(application)  # type: ignore[no-untyped-call]
