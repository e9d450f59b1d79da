"""Flask: one server span per call of the application, unless its server made one already.

`Flask.__call__` is where requests enter, test client included; `wsgi_app` is often replaced by a
middleware, or handed on without the application. The route is the request's, which is in the
environment while it is handled. `handle_user_exception` gets what a view raises, for the program's
handlers to answer, and `handle_exception` what none of them took: it comes back, or lets that out
for what is around the application. Extensions such as Flask-RESTful replace both for their own
views, and tell `log_exception` what they answer with a 5xx.
"""

from __future__ import annotations

import sys

from otel_run.engine import Call, Detail, Function, Instrumentor
from otel_run.engine.asked import Inner
from otel_run.engine.http_server_detail import HttpServerDetail
from otel_run_instrumentors import wsgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import flask


def read_route(_: object, environ: dict[str, Any]) -> str | None:
    request: flask.Request | None = environ.get("werkzeug.request")
    if not hasattr(request, "url_rule"):
        request = current_request(environ)
    rule = None if request is None else request.url_rule
    return None if rule is None else environ.get("SCRIPT_NAME", "").rstrip("/") + rule.rule


def current_request(environ: dict[str, Any]) -> flask.Request | None:
    """Return the request where its place is empty, or has one that the program made of the same.

    The end of any context of the request empties it, be it a copy's in another thread.
    """
    library: Any = sys.modules["flask"]
    if library.has_request_context() and library.request.environ is environ:
        return library.request  # type: ignore[no-any-return]
    return None


def read_handled(call: Call) -> HttpServerDetail:
    return HttpServerDetail(handled=call.arg(0, "e"))


def read_ending(call: Call) -> HttpServerDetail:
    """Read what ends the request: of what is no Exception nobody else is told before its end."""
    return HttpServerDetail(handled=call.arg(0, "error"))


def read_exception(call: Call) -> HttpServerDetail | None:
    return wsgi.detail_of(call.arg(0, "e"))


def read_logged(call: Call) -> HttpServerDetail | None:
    logged = call.arg(0, "exc_info")
    return HttpServerDetail(handled=logged[1]) if isinstance(logged, tuple) else None


INSTRUMENTOR = Instrumentor(
    library="flask",
    versions=">=2.0",
    convention=wsgi.convention(read_route),
    layer=0,
    targets=(
        Function("flask.app:Flask.__call__", wsgi.SERVE),
        Inner("flask.app:Flask.wsgi_app", wsgi.SERVE),
        Detail("flask.app:Flask.handle_user_exception", before=read_handled),
        Detail("flask.app:Flask.handle_exception", before=read_handled, after=read_exception),
        Detail("flask.app:Flask.log_exception", before=read_logged),
        Detail("flask.app:Flask.should_ignore_error", before=read_ending, is_optional=True),
    ),
)
