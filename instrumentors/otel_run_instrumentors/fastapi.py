"""FastAPI: the route of a request; Starlette, on which it is built, has the span.

A route of a router that is included has a path of its own for each inclusion, which the scope
tells since FastAPI includes routers without copying their routes. Others are Starlette's.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Instrumentor
from otel_run_instrumentors import asgi, starlette

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fastapi.routing import APIRoute

    from otel_run.engine.http_server import HttpServerDetail


def read_route(call: Call) -> HttpServerDetail | None:
    route: APIRoute = call.instance
    scope: dict[str, Any] = call.arg(0, "scope")
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is None or included.original_route is not route:
        return None  # Starlette's function is called next
    return starlette.route_of(scope, included.path)


INSTRUMENTOR = Instrumentor(
    library="fastapi",
    versions=">=0.92",
    convention=asgi.convention(),
    layer=0,
    targets=(Detail("fastapi.routing:APIRoute.handle", before=read_route),),
)
