"""Gunicorn: one server span per request of its WSGI workers, for any application.

A worker keeps the application that it has loaded, and calls it from there. Only the classes that
call it as WSGI are patched: the base class also loads what workers of ASGI serve.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor, Loaded
from otel_run_instrumentors import wsgi

WORKERS = ("sync:SyncWorker", "gthread:ThreadWorker", "base_async:AsyncWorker")

INSTRUMENTOR = Instrumentor(
    library="gunicorn",
    versions=">=20.1",
    convention=wsgi.convention(),
    layer=1,
    targets=tuple(
        Loaded(f"gunicorn.workers.{worker}.load_wsgi", "wsgi", wsgi.SERVE) for worker in WORKERS
    ),
)
