"""Gunicorn: one server span per request of its workers, for any application.

A worker keeps the application that it has loaded, and calls it from there. Only the classes that
call it are patched: the base class also loads what workers of other projects serve. What lets a
StopIteration out, as a WebSocket of simple-websocket's does, is done with its connection.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor, Loaded
from otel_run.engine.http_server import HttpServer
from otel_run_instrumentors import asgi, gateways, wsgi

WORKERS = ("sync:SyncWorker", "gthread:ThreadWorker", "base_async:AsyncWorker")


def is_hang_up(error: BaseException) -> bool:
    return wsgi.is_hang_up(error) or asgi.is_hang_up(error)


INSTRUMENTOR = Instrumentor(
    library="gunicorn",
    versions=">=20.1",
    convention=HttpServer(
        gateways.read_request,
        ("environ", "scope"),
        gateways.observe,
        is_hang_up=is_hang_up,
        is_same=gateways.is_same,
        leaving=(StopIteration,),
    ),
    layer=1,
    targets=(
        *(Loaded(f"gunicorn.workers.{worker}.load_wsgi", "wsgi", wsgi.SERVE) for worker in WORKERS),
        Loaded("gunicorn.workers.gasgi:ASGIWorker.load_wsgi", "asgi", asgi.SERVE),
    ),
)
