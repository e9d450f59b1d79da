"""FastAPI: the route of a request; Starlette, on which it is built, has the span.

A route of a router that is included has a path of its own for each inclusion, which the scope
tells since FastAPI includes routers without copying their routes. So has a folder of files that it
serves where nothing else matches. Others are Starlette's.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.asked import Asked
from otel_run.engine.http_server_detail import Route
from otel_run_instrumentors import asgi, starlette

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read_route(_: object, scope: dict[str, Any]) -> str | Route | None:
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is None or included.original_route is not scope.get("route"):
        return None  # Starlette's function has been called, or none
    return starlette.read_route(included, scope)


def read_frontend(_: object, scope: dict[str, Any]) -> Route | None:
    file: str | None = scope.get("fastapi", {}).get("frontend_path")
    if file is None:
        return None
    root, path = scope.get("root_path", ""), scope["path"]
    if path.startswith(f"{root}/"):
        path = path[len(root) :]
    folder = path.removesuffix(file).rstrip("/")
    return Route(f"{folder}/{{path}}", root=starlette.root_of(scope))


INSTRUMENTOR = Instrumentor(
    library="fastapi",
    versions=">=0.92",
    convention=asgi.convention(),
    layer=0,
    targets=(
        # Its routes are looked through next.
        Asked("fastapi.routing:_IncludedRouter.handle", read_route, is_optional=True),
        Asked("fastapi.routing:_FrontendRouteGroup.handle", read_frontend, is_optional=True),
    ),
)
