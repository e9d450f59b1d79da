"""Starlette: one server span per call of the application, unless its server made one already.

`Starlette.__call__` is where every request enters, FastAPI's too. `Route.handle` is called with
the route that was found, after the `Mount.handle` of each that it is in. Background tasks have
spans of their own.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Function, Instrumentor, Loaded
from otel_run.engine.asgi_inner import inner
from otel_run.engine.asked import Asked
from otel_run.engine.http_server_detail import Route
from otel_run.engine.task import Task
from otel_run_instrumentors import asgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from starlette import routing
    from starlette.background import BackgroundTask


# How much middleware is looked through.
DEPTH = 8


def read_route(route: Any, scope: dict[str, Any]) -> str | Route:
    # Most applications have no root, and none that is within another one.
    path: str = route.path
    return Route(path, root=root_of(scope)) if scope.get("root_path") else path


def read_mount(call: Call) -> Route | None:
    mount: routing.Mount = call.instance
    scope = call.arg(0, "scope")
    # What has no routes itself, such as static files, is the end of the way.
    path = "" if mount.routes or is_around_routes(mount.app) else "/{path}"
    return Route(path, mount.path, root_of(scope), scope) if scope["type"] == "http" else None


def is_around_routes(app: Any) -> bool:
    """Tell whether it is middleware that a router, or an application, was wrapped in."""
    for _ in range(DEPTH):
        app = getattr(app, "app", None)
        routes = getattr(app, "routes", None)
        if isinstance(routes, list) and routes:
            return hasattr(routes[0], "matches")  # other frameworks have routes of other kinds
    return False


def root_of(scope: dict[str, Any]) -> str:
    """Return where the outermost application is, which the first mount changes."""
    root: str = scope.get("app_root_path", scope.get("root_path", "")).rstrip("/")
    return root if root and scope["path"].startswith(f"{root}/") else ""


def read_function(call: Call) -> object:
    task: BackgroundTask = call.instance
    return task.func


INSTRUMENTOR = Instrumentor(
    library="starlette",
    versions=">=0.25",
    convention=asgi.convention(),
    layer=0,
    targets=(
        Function("starlette.applications:Starlette.__call__", asgi.SERVE),
        Asked("starlette.routing:Route.handle", read_route),
        Detail("starlette.routing:Mount.handle", before=read_mount),
        Loaded("starlette.middleware.base:BaseHTTPMiddleware.__init__", "app", inner),
        Detail("starlette.middleware.wsgi:WSGIResponder.wsgi", before=asgi.read_bridge),
        Task("starlette.background:BackgroundTask.__call__", read_function),
    ),
)
