"""FastAPI applications, by themselves and under servers that are recorded too."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import fastapi
import fastapi.routing
import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

from contracts.asgi_servers import serve_hypercorn, serve_uvicorn
from contracts.http_server import Unhandled
from contracts.instrumentor import InstrumentorContract
from contracts.wire import Wire, answer_to, request_bytes, without_date
from recording import instrumentors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recording import Recording

# Routers were copied, and their routes with them.
COPIES_ROUTES = not hasattr(fastapi.routing, "_IncludedRouter")


# Whose client the test client is.
CLIENT = "httpx" if issubclass(TestClient, httpx.Client) else "httpx2"


@pytest.fixture(autouse=True)
def _unrecorded_client(recording: Recording) -> None:
    """Record what is served alone."""
    del recording
    instrumentors()[CLIENT].unpatch()


@pytest.mark.skipif(COPIES_ROUTES, reason="Starlette's function is all there is to patch")
class TestFastAPI(InstrumentorContract):
    """The route, where FastAPI alone knows it."""

    library = "fastapi"


def query() -> None:
    """Execute a statement: a child of whatever is current."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("SELECT 1")


def items() -> APIRouter:
    """Routes with a prefix."""
    router = APIRouter(prefix="/items")

    @router.get("/{item}")
    async def read(item: int) -> dict[str, int]:
        return {"item": item}

    @router.post("/{item}")
    def write(item: int) -> dict[str, int]:
        query()
        return {"item": item}

    @router.get("")
    async def every() -> list[int]:
        return []

    return router


def failures() -> APIRouter:
    """Endpoints that raise."""
    router = APIRouter()

    @router.get("/fail/{how}")
    async def fail(how: str) -> None:
        if how == "unhandled":
            raise Unhandled("nobody takes it")
        if how == "handled":
            raise LookupError
        raise HTTPException(int(how))

    return router


async def nothing() -> None:
    """Depend on nothing."""


def connection() -> Iterator[int]:
    """A dependency that has something to do afterwards."""
    query()
    yield 1
    query()


def shop() -> FastAPI:
    """A program's application."""
    app = FastAPI()
    version = APIRouter(prefix="/v1", dependencies=[Depends(nothing)])
    version.include_router(items())
    version.routes.append(Mount("/plain", routes=[Route("/{x}", plain)]))
    app.include_router(version, prefix="/api")
    app.include_router(version, prefix="/again")
    app.include_router(failures())
    app.mount("/sub/{tenant}", sub())

    @app.exception_handler(LookupError)
    async def take(_: Any, __: Exception) -> PlainTextResponse:
        return PlainTextResponse("taken", 422)

    @app.get("/depends")
    async def depends(number: Any = Depends(connection)) -> Any:  # noqa: B008, FAST002  as programs have it
        return number

    @app.get("/tasks")
    def leave_tasks(tasks: BackgroundTasks) -> str:
        tasks.add_task(query)
        return "left"

    @app.get("/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(iter(["one", "two"]))

    return app


def sub() -> FastAPI:
    """An application of its own, to be mounted."""
    app = FastAPI()
    app.include_router(items(), prefix="/deep")
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    return app


async def plain(request: Any) -> PlainTextResponse:
    """An endpoint of Starlette's."""
    return PlainTextResponse(str(request.path_params["x"]))


def client(app: Any) -> Any:
    """A client that calls the application in process."""
    return TestClient(app, raise_server_exceptions=False)


TARGETS = [
    ("GET", "/api/v1/items/7", 200, "/api/v1/items/{item}"),
    ("GET", "/again/v1/items/7", 200, "/again/v1/items/{item}"),
    ("POST", "/api/v1/items/7", 200, "/api/v1/items/{item}"),
    ("GET", "/api/v1/items", 200, "/api/v1/items"),
    ("GET", "/api/v1/items/seven", 422, "/api/v1/items/{item}"),
    ("DELETE", "/api/v1/items/7", 405, "/api/v1/items/{item}"),
    ("GET", "/fail/403", 403, "/fail/{how}"),
    ("GET", "/fail/handled", 422, "/fail/{how}"),
    ("GET", "/sub/a/deep/items/7", 200, "/sub/{tenant}/deep/items/{item}"),
    ("GET", "/sub/a/nowhere", 404, ""),
    ("GET", "/nowhere", 404, ""),
    ("GET", "/depends", 200, "/depends"),
    ("GET", "/stream", 200, "/stream"),
    ("GET", "/openapi.json", 200, "/openapi.json"),
]


@pytest.mark.parametrize(("method", "target", "status", "route"), TARGETS)
def test_a_request_is_one_span_with_its_whole_route(
    recording: Recording, method: str, target: str, status: int, route: str
) -> None:
    response = client(shop()).request(method, target)

    [span] = [span for span in recording.spans() if span.kind == "server"]
    expected = {
        "http.request.method": method,
        "http.response.status_code": status,
        "network.protocol.version": "1.1",
        "server.address": "testserver",
        "server.port": 80,
        "url.path": target,
        "url.scheme": "http",
        "user_agent.original": "testclient",
    }
    assert response.status_code == status
    assert span.attributes == {**expected, **({"http.route": route} if route else {})}
    assert span.name == (f"{method} {route}" if route else method)
    assert span.scope == "otel_run_instrumentors.starlette"
    assert (span.status, span.events) == ("unset", [])


@pytest.mark.skipif(COPIES_ROUTES, reason="mounts of a router were left out when it was included")
def test_a_mount_in_a_router_has_its_prefix(recording: Recording) -> None:
    assert client(shop()).get("/api/plain/7").text == "7"

    assert recording.span().name == "GET /api/plain/{x}"


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="folders could only be mounted")
@pytest.mark.parametrize(
    ("target", "status", "route"),
    [
        ("/file.txt", 200, "/{path}"),
        ("/", 404, "/{path}"),
        ("/items/7", 200, "/items/{item}"),
        ("/ui/file.txt", 200, "/ui/{path}"),
        ("/ui", 404, "/ui/{path}"),
        ("/ui//file.txt/", 200, "/ui/{path}"),
        ("/v1/own/file.txt", 200, "/v1/own/{path}"),
        ("/sub/a/ui/file.txt", 200, "/sub/{tenant}/ui/{path}"),
    ],
)
@pytest.mark.parametrize("root", ["", "/api"])
def test_a_file_of_a_folder_has_the_folder_as_its_route(
    recording: Recording, tmp_path: Path, target: str, status: int, route: str, root: str
) -> None:
    (tmp_path / "file.txt").write_text("content")
    router, inner, app = APIRouter(), FastAPI(), FastAPI()
    router.frontend("/own", directory=tmp_path)
    inner.frontend("/ui", directory=tmp_path)
    app.include_router(router, prefix="/v1")
    app.include_router(items())
    app.mount("/sub/{tenant}", inner)
    app.frontend("/ui", directory=tmp_path)
    app.frontend("/", directory=tmp_path)
    asking = TestClient(app, root_path=root)

    assert asking.get(root + target).status_code == status
    assert asking.post(f"{root}/ui/file.txt").status_code == 405
    read, written = recording.spans()
    assert read.name == f"GET {root}{route}"
    assert written.name == f"POST {root}/ui/{{path}}"


@pytest.mark.parametrize("serve", [serve_uvicorn, serve_hypercorn])
def test_servers_answer_the_same_bytes_with_and_without_us(
    recording: Recording, serve: Any
) -> None:
    answers = []
    for _ in range(2):
        with serve(shop()) as address:
            answers.append(
                [
                    without_date(answer_to(address, request_bytes(target, method=method)))
                    for method, target, _, _ in [*TARGETS, ("GET", "/fail/unhandled", 500, "")]
                ]
            )
        servers = [span for span in recording.spans() if span.kind == "server"]
        for instrumentor in instrumentors().values():
            instrumentor.unpatch()

    assert answers[0] == answers[1]
    assert [span.attributes.get("http.route", "") for span in servers] == [
        *(route for _, _, _, route in TARGETS),
        "/fail/{how}",
    ]
    assert {span.scope for span in servers} in (
        {"otel_run_instrumentors.uvicorn"},
        {"otel_run_instrumentors.hypercorn"},
    )


def test_an_exception_that_nobody_handles_is_recorded(recording: Recording) -> None:
    with serve_uvicorn(shop()) as address, Wire(address) as wire:
        wire.send(request_bytes("/fail/unhandled"))
        port = wire.port
        wire.rest()

    span = recording.span()
    [event] = span.events
    name = f"{Unhandled.__module__}.Unhandled"
    assert span.attributes == {
        "client.address": "127.0.0.1",
        "error.type": name,
        "http.request.method": "GET",
        "http.response.status_code": 500,
        "http.route": "/fail/{how}",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "network.protocol.version": "1.1",
        "server.address": "shop.example",
        "server.port": 8080,
        "url.path": "/fail/unhandled",
        "url.scheme": "http",
        "user_agent.original": "probe/1.0",
    }
    assert (span.status, span.status_message) == ("error", "nobody takes it")
    assert event.attributes["exception.type"] == name


def test_an_http_exception_of_500_is_an_error(recording: Recording) -> None:
    client(shop()).get("/fail/503")

    span = recording.span()
    assert (span.status, span.attributes["http.response.status_code"]) == ("error", 503)
    assert span.attributes["error.type"].endswith("HTTPException")


def test_threads_and_dependencies_have_the_request_as_parent(recording: Recording) -> None:
    with serve_uvicorn(shop()) as address:
        answer_to(address, request_bytes("/api/v1/items/7", method="POST"))
        answer_to(address, request_bytes("/depends"))

    spans = recording.spans()
    servers = [span for span in spans if span.kind == "server"]
    statements = [span for span in spans if span.kind == "client"]
    assert [span.parent_id for span in statements] == [
        servers[0].span_id,
        servers[1].span_id,
        servers[1].span_id,
    ]
    assert {span.trace_id for span in statements} == {span.trace_id for span in servers}


def test_a_background_task_is_linked_to_its_request(recording: Recording) -> None:
    with serve_uvicorn(shop()) as address:
        answer_to(address, request_bytes("/tasks"))

    server, task, statement = recording.spans()
    [link] = task.links
    assert (task.name, task.kind, task.parent_id) == ("query", "internal", "")
    assert task.attributes == {"code.function.name": f"{__name__}.query"}
    assert (link.trace_id, link.span_id) == (server.trace_id, server.span_id)
    assert statement.parent_id == task.span_id


def test_a_subclass_is_recorded(recording: Recording) -> None:
    class Shop(FastAPI):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await super().__call__(scope, receive, send)

    app = Shop()
    app.include_router(items())
    client(app).get("/items/7")

    assert recording.span().name == "GET /items/{item}"


@pytest.mark.skipif(not COPIES_ROUTES, reason="servers have the root path, FastAPI says")
def test_a_root_path_that_is_not_in_the_path_is_not_in_the_route(recording: Recording) -> None:
    app = FastAPI(root_path="/api")
    app.include_router(items())
    app.mount("/sub", sub())
    for target in ("/items/7", "/sub/deep/items/7"):
        assert client(app).get(target).status_code == 200

    first, second = recording.spans()
    assert first.name == "GET /items/{item}"
    assert second.name == "GET /sub/deep/items/{item}"
