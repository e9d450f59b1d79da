"""Which instrumentor waits for which module: read at start-up, so it holds names alone."""

from __future__ import annotations

INSTRUMENTORS = {
    "aiohttp.client": "otel_run_instrumentors.aiohttp_client",
    "aiohttp.client_reqrep": "otel_run_instrumentors.aiohttp_client",
    "aiohttp.connector": "otel_run_instrumentors.aiohttp_client",
    "botocore.httpsession": "otel_run_instrumentors.botocore",
    "flask.app": "otel_run_instrumentors.flask",
    "flask.ctx": "otel_run_instrumentors.flask",
    "http.client": "otel_run_instrumentors.http_client",
    "httpcore._async.connection_pool": "otel_run_instrumentors.httpcore",
    "httpcore._sync.connection_pool": "otel_run_instrumentors.httpcore",
    "httpx._client": "otel_run_instrumentors.httpx",
    "requests.sessions": "otel_run_instrumentors.requests",
    "sqlalchemy.engine.default": "otel_run_instrumentors.sqlalchemy",
    "sqlite3": "otel_run_instrumentors.sqlite3",
    "sqlite3.dbapi2": "otel_run_instrumentors.sqlite3",
    "urllib.request": "otel_run_instrumentors.urllib_request",
    "urllib3.connectionpool": "otel_run_instrumentors.urllib3",
    "werkzeug.serving": "otel_run_instrumentors.werkzeug",
    "wsgiref.handlers": "otel_run_instrumentors.wsgiref",
}
