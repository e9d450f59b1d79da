"""Which instrumentor waits for which module: read at start-up, so it holds names alone."""

from __future__ import annotations

INSTRUMENTORS = {
    "aiohttp.web_protocol": "otel_run_instrumentors.aiohttp_web",
    "aiohttp.web_response": "otel_run_instrumentors.aiohttp_web",
    "django.core.handlers.asgi": "otel_run_instrumentors.django",
    "django.core.handlers.base": "otel_run_instrumentors.django",
    "django.core.handlers.exception": "otel_run_instrumentors.django",
    "django.core.handlers.wsgi": "otel_run_instrumentors.django",
    "django.test.client": "otel_run_instrumentors.django",
    "flask.app": "otel_run_instrumentors.flask",
    "flask.ctx": "otel_run_instrumentors.flask",
    "gunicorn.workers.base_async": "otel_run_instrumentors.gunicorn",
    "gunicorn.workers.gthread": "otel_run_instrumentors.gunicorn",
    "gunicorn.workers.sync": "otel_run_instrumentors.gunicorn",
    "http.client": "otel_run_instrumentors.http_client",
    "requests.sessions": "otel_run_instrumentors.requests",
    "sqlalchemy.engine.default": "otel_run_instrumentors.sqlalchemy",
    "sqlite3": "otel_run_instrumentors.sqlite3",
    "sqlite3.dbapi2": "otel_run_instrumentors.sqlite3",
    "urllib.request": "otel_run_instrumentors.urllib_request",
    "urllib3.connectionpool": "otel_run_instrumentors.urllib3",
    "waitress.server": "otel_run_instrumentors.waitress",
    "werkzeug.serving": "otel_run_instrumentors.werkzeug",
    "wsgiref.handlers": "otel_run_instrumentors.wsgiref",
}
