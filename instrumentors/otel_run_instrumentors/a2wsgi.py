"""a2wsgi: an application that it serves as one of the other kind is part of the same request.

uvicorn's `--interface wsgi` uses it where it is installed. What it makes one of WSGI is recorded as
any application of ASGI is, by the span of the server around it, and has one of its own otherwise.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Instrumentor, Loaded
from otel_run.engine.asgi import observe as observe_asgi
from otel_run.engine.http_server import HttpServer
from otel_run.engine.http_server_detail import HttpServerDetail
from otel_run_instrumentors import asgi, wsgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from otel_run.engine.http_server_request import HttpServerRequest
    from otel_run.engine.server_operation import ServerOperation


def read_request(scope: dict[str, Any]) -> HttpServerRequest | None:
    # The scope tells the client only where the server told its port.
    environ = scope.get("wsgi_environ")
    return asgi.read_request(scope) if environ is None else wsgi.read_request(environ)


def is_same(one: object, other: dict[str, Any]) -> bool:
    return one is other.get("wsgi_environ") or asgi.is_same(one, other)


def observe(call: Call, operation: ServerOperation) -> None:
    observe_asgi(call, operation)
    # Before 1.10 the path is what lies below the root; applications change both.
    scope: dict[str, Any] = call.arg(0, "scope")
    root: str = scope.get("root_path", "")
    if not scope["path"].startswith(root):
        operation.mount = root


def read_detail(_: object, __: object) -> None:
    """Know nothing more; who is asked is observed within another layer's request too."""


def read_failure(call: Call) -> HttpServerDetail | None:
    # Whether the server hears of it depends on how far the response has come.
    future = call.arg(0, "future")
    error = None if future.cancelled() else future.exception()
    return None if error is None or asgi.is_hang_up(error) else HttpServerDetail(error=error)


INSTRUMENTOR = Instrumentor(
    library="a2wsgi",
    versions=">=1.7",
    convention=HttpServer(
        read_request,
        asgi.SUBJECT,
        observe,
        read_detail=read_detail,
        is_hang_up=asgi.is_hang_up,
        is_same=is_same,
    ),
    layer=0,
    targets=(
        Loaded("a2wsgi.asgi:ASGIMiddleware.__init__", "app", asgi.SERVE),
        Detail("a2wsgi.asgi:ASGIResponder.asgi_done_callback", before=read_failure),
        Detail("a2wsgi.wsgi:WSGIResponder.wsgi", before=asgi.read_bridge),
    ),
)
