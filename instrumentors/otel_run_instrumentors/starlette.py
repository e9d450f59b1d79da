"""Starlette: one server span per call of the application, unless its server made one already.

`Starlette.__call__` is where every request enters, FastAPI's too. `Route.handle` is called with
the route that was found, after the `Mount.handle` of each that it is in. Background tasks have
spans of their own.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Function, Instrumentor, Loaded
from otel_run.engine.http_server import HttpServerDetail
from otel_run.engine.task import Task
from otel_run_instrumentors import asgi
from otel_run_instrumentors.asgi_inner import inner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from starlette.background import BackgroundTask
    from starlette.routing import Mount, Route


def read_route(call: Call) -> HttpServerDetail | None:
    route: Route = call.instance
    return route_of(call.arg(0, "scope"), route.path)


def read_mount(call: Call) -> HttpServerDetail | None:
    mount: Mount = call.instance
    # What has no routes itself, such as static files, is the end of the way.
    return route_of(call.arg(0, "scope"), "" if mount.routes else "/{path}", mount.path)


def route_of(scope: dict[str, Any], path: str, mount: str = "") -> HttpServerDetail | None:
    if scope["type"] != "http":
        return None
    # Where the outermost application is, which the first mount changes.
    root: str = scope.get("app_root_path", scope.get("root_path", "")).rstrip("/")
    return HttpServerDetail(
        route=path,
        mount=mount,
        root=root if root and scope["path"].startswith(f"{root}/") else "",
        subject=scope,
    )


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
        Detail("starlette.routing:Route.handle", before=read_route),
        Detail("starlette.routing:Mount.handle", before=read_mount),
        Loaded("starlette.middleware.base:BaseHTTPMiddleware.__init__", "app", inner),
        Detail("starlette.middleware.wsgi:WSGIResponder.wsgi", before=asgi.read_bridge),
        Task("starlette.background:BackgroundTask.__call__", read_function),
    ),
)
