"""Which instrumentor waits for which module: read at start-up, so it holds names alone."""

from __future__ import annotations

INSTRUMENTORS = {
    "aiohttp.client": "otel_run_instrumentors.aiohttp_client",
    "aiohttp.client_reqrep": "otel_run_instrumentors.aiohttp_client",
    "aiohttp.connector": "otel_run_instrumentors.aiohttp_client",
    "aiohttp.web_protocol": "otel_run_instrumentors.aiohttp_web",
    "aiohttp.web_response": "otel_run_instrumentors.aiohttp_web",
    "aiosqlite.core": "otel_run_instrumentors.aiosqlite",
    "botocore.httpsession": "otel_run_instrumentors.botocore",
    "concurrent.futures.process": "otel_run_instrumentors.concurrent_futures",
    "concurrent.futures.thread": "otel_run_instrumentors.concurrent_futures",
    "django.core.handlers.asgi": "otel_run_instrumentors.django",
    "django.core.handlers.base": "otel_run_instrumentors.django",
    "django.core.handlers.exception": "otel_run_instrumentors.django",
    "django.core.handlers.wsgi": "otel_run_instrumentors.django",
    "django.test.client": "otel_run_instrumentors.django",
    "flask.app": "otel_run_instrumentors.flask",
    "gevent.greenlet": "otel_run_instrumentors.gevent",
    "gevent.threadpool": "otel_run_instrumentors.gevent",
    "gunicorn.workers.base_async": "otel_run_instrumentors.gunicorn",
    "gunicorn.workers.gthread": "otel_run_instrumentors.gunicorn",
    "gunicorn.workers.sync": "otel_run_instrumentors.gunicorn",
    "http.client": "otel_run_instrumentors.http_client",
    "httpcore._async.connection_pool": "otel_run_instrumentors.httpcore",
    "httpcore._sync.connection_pool": "otel_run_instrumentors.httpcore",
    "httpx._auth": "otel_run_instrumentors.httpx",
    "httpx._client": "otel_run_instrumentors.httpx",
    "hypercorn.app_wrappers": "otel_run_instrumentors.hypercorn",
    "multiprocessing.pool": "otel_run_instrumentors.multiprocessing_pool",
    "requests.sessions": "otel_run_instrumentors.requests",
    "sqlalchemy.engine.default": "otel_run_instrumentors.sqlalchemy",
    "sqlite3": "otel_run_instrumentors.sqlite3",
    "sqlite3.dbapi2": "otel_run_instrumentors.sqlite3",
    "starlette.applications": "otel_run_instrumentors.starlette",
    "starlette.background": "otel_run_instrumentors.starlette",
    "starlette.middleware.wsgi": "otel_run_instrumentors.starlette",
    "starlette.routing": "otel_run_instrumentors.starlette",
    # After what it is built on: its classes inherit what is patched there.
    "fastapi.routing": "otel_run_instrumentors.fastapi",
    "threading": "otel_run_instrumentors.threading",
    "urllib.request": "otel_run_instrumentors.urllib_request",
    "urllib3.connectionpool": "otel_run_instrumentors.urllib3",
    "uvicorn.config": "otel_run_instrumentors.uvicorn",
    "uvicorn.middleware.wsgi": "otel_run_instrumentors.uvicorn",
    "uvicorn.server": "otel_run_instrumentors.uvicorn",
    "waitress.server": "otel_run_instrumentors.waitress",
    "werkzeug.serving": "otel_run_instrumentors.werkzeug",
    "wsgiref.handlers": "otel_run_instrumentors.wsgiref",
}

# What only carries along what others record: patched with the first of those, or after it, for
# nearly every program imports one of these, and most have nothing to carry at the start.
CARRIERS = (
    "aiosqlite.core",
    "concurrent.futures.process",
    "concurrent.futures.thread",
    "gevent.greenlet",
    "gevent.threadpool",
    "multiprocessing.pool",
    "threading",
)
