"""Which instrumentor waits for which module: read at start-up, so it holds names alone."""

from __future__ import annotations

INSTRUMENTORS = {
    "fastapi.routing": "otel_run_instrumentors.fastapi",
    "flask.app": "otel_run_instrumentors.flask",
    "flask.ctx": "otel_run_instrumentors.flask",
    "http.client": "otel_run_instrumentors.http_client",
    "hypercorn.app_wrappers": "otel_run_instrumentors.hypercorn",
    "requests.sessions": "otel_run_instrumentors.requests",
    "sqlalchemy.engine.default": "otel_run_instrumentors.sqlalchemy",
    "sqlite3": "otel_run_instrumentors.sqlite3",
    "sqlite3.dbapi2": "otel_run_instrumentors.sqlite3",
    "starlette.applications": "otel_run_instrumentors.starlette",
    "starlette.background": "otel_run_instrumentors.starlette",
    "starlette.middleware.wsgi": "otel_run_instrumentors.starlette",
    "starlette.routing": "otel_run_instrumentors.starlette",
    "urllib.request": "otel_run_instrumentors.urllib_request",
    "urllib3.connectionpool": "otel_run_instrumentors.urllib3",
    "uvicorn.config": "otel_run_instrumentors.uvicorn",
    "uvicorn.middleware.wsgi": "otel_run_instrumentors.uvicorn",
    "uvicorn.server": "otel_run_instrumentors.uvicorn",
    "werkzeug.serving": "otel_run_instrumentors.werkzeug",
    "wsgiref.handlers": "otel_run_instrumentors.wsgiref",
}
