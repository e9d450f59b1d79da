"""Gunicorn: one server span per request of its workers, for any application.

A worker keeps the application that it has loaded, and calls it from there. Only the classes that
call it are patched: the base class also loads what workers of other projects serve. What lets a
StopIteration out, as a WebSocket of simple-websocket's does, is done with its connection.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor, Loaded
from otel_run.engine.asgi import ARGUMENTS
from otel_run.engine.asgi import observe as observe_asgi
from otel_run.engine.http_server import HttpServer
from otel_run_instrumentors import asgi, wsgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from otel_run.engine.http_server_request import HttpServerRequest
    from otel_run.engine.server_operation import ServerOperation

WORKERS = ("sync:SyncWorker", "gthread:ThreadWorker", "base_async:AsyncWorker")


def read_request(scope: dict[str, Any]) -> HttpServerRequest | None:
    return asgi.read_request(scope) if "type" in scope else wsgi.read_request(scope)


def observe(call: Call, operation: ServerOperation) -> None:
    is_asgi = len(call.args) + len(call.kwargs) == ARGUMENTS
    (observe_asgi if is_asgi else wsgi.observe)(call, operation)


def is_same(one: Any, other: dict[str, Any]) -> bool:
    return asgi.is_same(one, other) if "type" in other else wsgi.is_same(one, other)


def is_hang_up(error: BaseException) -> bool:
    return wsgi.is_hang_up(error) or asgi.is_hang_up(error)


INSTRUMENTOR = Instrumentor(
    library="gunicorn",
    versions=">=20.1",
    convention=HttpServer(
        read_request,
        ("environ", "scope"),
        observe,
        is_hang_up=is_hang_up,
        is_same=is_same,
        leaving=(StopIteration,),
    ),
    layer=1,
    targets=(
        *(Loaded(f"gunicorn.workers.{worker}.load_wsgi", "wsgi", wsgi.SERVE) for worker in WORKERS),
        Loaded("gunicorn.workers.gasgi:ASGIWorker.load_wsgi", "asgi", asgi.SERVE),
    ),
)
