"""Flask: one server span per call of the application, unless its server made one already.

`Flask.__call__` is where every request enters, test client included; `wsgi_app` is often replaced
by a middleware. The route is known once `match_request` has run, and `handle_exception` gets what
no handler of the program took.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Function, Instrumentor
from otel_run.engine.http_server import HttpServerDetail
from otel_run_instrumentors import wsgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flask.ctx import RequestContext


def read_route(call: Call) -> HttpServerDetail | None:
    context: RequestContext = call.instance
    rule = context.request.url_rule
    if rule is None:
        return None
    return HttpServerDetail(
        route=f"{context.request.script_root}{rule.rule}",
        subject=context.request.environ.get("wsgi.input"),
    )


def read_exception(call: Call) -> HttpServerDetail:
    return HttpServerDetail(error=call.arg(0, "e"))


INSTRUMENTOR = Instrumentor(
    library="flask",
    versions=">=2.0",
    convention=wsgi.convention(),
    layer=0,
    targets=(
        Function("flask.app:Flask.__call__", wsgi.SERVE),
        Detail("flask.ctx:RequestContext.match_request", after=read_route),
        Detail("flask.app:Flask.handle_exception", before=read_exception),
    ),
)
