"""ASGI: how to read what its specification lays down, for what speaks it."""

from __future__ import annotations

from otel_run.engine.forms import asynchronous
from otel_run.engine.http_server import HttpServer, HttpServerRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine import Call
    from otel_run.engine.http_server import ServerOperation


def read_request(call: Call) -> HttpServerRequest | None:
    scope: dict[str, Any] = call.arg(0, "scope")
    if scope["type"] != "http":
        return None
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    peer = scope.get("client") or ("", 0)
    host = scope.get("server") or ("", 0)
    return HttpServerRequest(
        method=scope["method"],
        scheme=scope.get("scheme", "http"),
        host=headers.get("host") or f"{host[0]}:{host[1] or ''}",
        path=scope["path"],
        query=scope.get("query_string", b"").decode("latin-1"),
        version=scope.get("http_version", ""),
        peer_address=peer[0],
        peer_port=peer[1] or 0,
        header=headers.get,
        headers=headers.items,
        subject=scope["headers"],
    )


def observe(call: Call, operation: ServerOperation) -> None:
    send: Callable[[dict[str, Any]], Any] = call.arg(2, "send")

    async def watch(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            operation.respond(message["status"], ())
        await send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            operation.complete()

    call.replace(2, "send", watch)


def convention() -> HttpServer:
    """Return the convention for one more library that speaks ASGI."""
    return HttpServer(read_request, observe)


# How an application is wrapped.
SERVE = asynchronous
