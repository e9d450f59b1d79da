"""Flask: one server span per call of the application, unless its server made one already.

`Flask.__call__` is where every request enters, test client included; `wsgi_app` is often replaced
by a middleware. The route is the request's, which is in the environment while it is handled.
`handle_user_exception` gets what a view raises, for the program's handlers to answer, and
`handle_exception` what none of them took.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Function, Instrumentor
from otel_run.engine.http_server_detail import HttpServerDetail
from otel_run_instrumentors import wsgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import flask


def read_route(_: object, environ: dict[str, Any]) -> str | None:
    request: flask.Request | None = environ.get("werkzeug.request")
    rule = getattr(request, "url_rule", None)
    return rule and environ.get("SCRIPT_NAME", "").rstrip("/") + rule.rule


def read_handled(call: Call) -> HttpServerDetail:
    return HttpServerDetail(handled=call.arg(0, "e"))


def read_exception(call: Call) -> HttpServerDetail | None:
    return wsgi.detail_of(call.arg(0, "e"))


INSTRUMENTOR = Instrumentor(
    library="flask",
    versions=">=2.0",
    convention=wsgi.convention(read_route),
    layer=0,
    targets=(
        Function("flask.app:Flask.__call__", wsgi.SERVE),
        Detail("flask.app:Flask.handle_user_exception", before=read_handled),
        Detail("flask.app:Flask.handle_exception", before=read_exception),
    ),
)
