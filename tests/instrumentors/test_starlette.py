"""Starlette applications, by themselves and under servers that are recorded too."""

from __future__ import annotations

import functools
import http.client
import sqlite3
import sys
import threading
import warnings
from contextlib import closing
from typing import TYPE_CHECKING, Any

import flask
import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask, BackgroundTasks
from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from contracts.asgi_server import AsgiServerContract, first_span
from contracts.asgi_servers import serve_hypercorn, serve_uvicorn
from contracts.http_client import unchecked
from contracts.http_server import TRACEPARENT, Unhandled, counts, duration
from contracts.wire import Wire, answer_to, request_bytes
from otel_run.signals.context import CURRENT
from recording import instrumentors, patch_imported

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it is on its way out
    from starlette.middleware.wsgi import WSGIMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from starlette.requests import Request

    from contracts.asgi_server import AsgiApplication
    from otlp import Span
    from recording import Recording

    Headers = list[tuple[bytes, bytes]]


# Whose client the test client is.
CLIENT = "httpx" if issubclass(TestClient, httpx.Client) else "httpx2"


@pytest.fixture(autouse=True)
def _unrecorded_client(recording: Recording) -> None:
    """Record what is served alone."""
    del recording
    instrumentors()[CLIENT].unpatch()


class TestStarlette(AsgiServerContract):
    """One span per call of the application, where no server makes one."""

    library = "starlette"

    @pytest.fixture
    def recording(self, recording: Recording) -> Recording:
        """Everything that is recorded where the server is not."""
        instrumentors()["uvicorn"].unpatch()
        return recording

    def serve_asgi(self, application: AsgiApplication) -> AbstractContextManager[tuple[str, int]]:
        app = Starlette()
        app.middleware_stack = application  # type: ignore[assignment]  # tasks never return
        return serve_uvicorn(app, lifespan="auto", proxy_headers=False)


def query(statement: str) -> str:
    """Execute a statement: a child of whatever is current."""
    with closing(sqlite3.connect(":memory:")) as connection:
        return str(connection.execute(statement).fetchone()[0])


async def show(request: Request) -> Response:
    """Answer with what the route held."""
    return PlainTextResponse(repr(request.path_params))


def show_in_thread(request: Request) -> Response:
    """Answer from a thread."""
    query("SELECT 1")
    return PlainTextResponse(repr(request.path_params))


async def fail(request: Request) -> Response:
    """Raise, for nobody to take."""
    raise Unhandled(f"at {request.url.path}")


async def refuse(request: Request) -> Response:
    """Raise what becomes a response."""
    raise HTTPException(request.path_params.get("status", 418))


async def raise_handled(_: Request) -> Response:
    """Raise what the program has a handler for."""
    raise LookupError


def take(_: Request, __: Exception) -> Response:
    """Handle it."""
    return PlainTextResponse("taken", 422)


class Shelf(HTTPEndpoint):
    """An endpoint that is a class."""

    async def get(self, request: Request) -> Response:
        """Answer with what the route held."""
        return await show(request)


ROUTES = [
    Route("/items/{item:int}", show, methods=["GET", "POST"]),
    Route("/thread/{item}", show_in_thread),
    Route("/shelf/{name}", Shelf),
    Route("/fail", fail),
    Route("/refuse", refuse),
    Route("/refuse/{status:int}", refuse),
    Route("/handled", raise_handled),
]


def shop(*middleware: Middleware, folder: Path | None = None) -> Starlette:
    """A program's application."""
    deep = Router([Route("/{leaf}", show), Mount("/more/{x}", routes=[Route("/{y}", show)])])
    inner = Starlette(routes=[Route("/{name}/end", show)], middleware=[Middleware(GZipMiddleware)])
    static = [Mount("/static", StaticFiles(directory=folder))] if folder else []
    return Starlette(
        routes=[
            *ROUTES,
            Mount("/deep/{shop}", deep),
            Mount("/inner", CORSMiddleware(inner)),
            Mount("/plain", CORSMiddleware(PlainTextResponse("plain"))),
            *static,
            Host("{name}.api.example", Router([Route("/hosted/{z}", show)])),
        ],
        middleware=middleware,
        exception_handlers={LookupError: take},
    )


def client(app: Any, **options: Any) -> Any:
    """A client that calls the application in process."""
    made = TestClient(app, raise_server_exceptions=False, **options)
    made.follow_redirects = False
    return made


def attributes(path: str, **more: Any) -> dict[str, Any]:
    """What a request of the test client has, with some of it different."""
    found = {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "server.address": "testserver",
        "server.port": 80,
        "url.path": path,
        "url.scheme": "http",
        "user_agent.original": "testclient",
    }
    for name, value in more.items():
        found[name.replace("__", ".")] = value
    return found


@pytest.mark.parametrize(
    ("target", "status", "route"),
    [
        ("/items/7", 200, "/items/{item:int}"),
        ("/items/seven", 404, ""),
        ("/items/7/", 307, ""),
        ("/thread/7", 200, "/thread/{item}"),
        ("/shelf/a", 200, "/shelf/{name}"),
        ("/refuse", 418, "/refuse"),
        ("/handled", 422, "/handled"),
        ("/deep/a/b", 200, "/deep/{shop}/{leaf}"),
        ("/deep/a/more/b/c", 200, "/deep/{shop}/more/{x}/{y}"),
        ("/deep/a/more/b/c/d", 404, ""),
        ("/inner/a/end", 200, "/inner/{name}/end"),
        ("/inner/nowhere", 404, ""),
        ("/plain/a/b", 200, "/plain/{path}"),
        ("/static/file.txt", 200, "/static/{path}"),
        ("/nowhere", 404, ""),
    ],
)
def test_a_request_is_one_span_with_its_whole_route(
    recording: Recording, tmp_path: Path, target: str, status: int, route: str
) -> None:
    (tmp_path / "file.txt").write_text("content")
    response = client(shop(folder=tmp_path)).get(target)
    server = [span for span in recording.spans() if span.kind == "server"]

    assert response.status_code == status
    more = {"http.route": route} if route else {}
    [span] = server
    assert span.attributes == {**attributes(target, http__response__status_code=status), **more}
    assert span.name == (f"GET {route}" if route else "GET")
    assert (span.status, span.events) == ("unset", [])


def test_hosts_have_routes_below_them(recording: Recording) -> None:
    answer = client(shop(), base_url="http://a.api.example").get("/hosted/1")

    assert answer.status_code == 200
    assert recording.span().name == "GET /hosted/{z}"


def test_the_root_path_is_part_of_the_route_where_it_is_of_the_path(recording: Recording) -> None:
    client(shop(), root_path="/api").get("/api/items/7")
    client(shop(), root_path="/api").get("/api/deep/a/b")
    client(shop(), root_path="/api").get("/items/7")

    assert [span.name for span in recording.spans()] in (
        ["GET /api/items/{item:int}", "GET /api/deep/{shop}/{leaf}", "GET /items/{item:int}"],
        ["GET", "GET", "GET /items/{item:int}"],  # before Starlette 0.33 paths had no root
    )


def test_the_route_is_part_of_the_series(recording: Recording) -> None:
    for target in ("/items/1", "/items/2", "/nowhere"):
        client(shop()).get(target)

    usual = {"http.request.method": "GET", "network.protocol.version": "1.1", "url.scheme": "http"}
    assert counts(duration(recording)) == [
        ({**usual, "http.response.status_code": 200, "http.route": "/items/{item:int}"}, 2),
        ({**usual, "http.response.status_code": 404}, 1),
    ]


@pytest.mark.parametrize("debug", [False, True])
def test_an_exception_that_starlette_answers_is_recorded(
    recording: Recording,
    debug: bool,  # noqa: FBT001
) -> None:
    app = shop()
    app.debug = debug
    response = client(app).get("/fail")

    span = recording.span()
    [event] = span.events
    name = f"{Unhandled.__module__}.Unhandled"
    assert response.status_code == 500
    assert span.attributes == attributes(
        "/fail", http__response__status_code=500, http__route="/fail", error__type=name
    )
    assert (span.status, span.status_message) == ("error", "at /fail")
    assert event.attributes["exception.stacktrace"].endswith(f"{name}: at /fail\n")


@pytest.mark.parametrize(("status", "failed"), [(500, True), (503, True), (422, False)])
def test_a_handler_of_all_exceptions_decides_whether_there_is_an_error(
    recording: Recording,
    status: int,
    failed: bool,  # noqa: FBT001
) -> None:
    async def handle(_: Request, __: Exception) -> Response:
        return PlainTextResponse("sorry", status)

    app = shop()
    app.add_exception_handler(Exception, handle)
    response = client(app).get("/fail")

    span = recording.span()
    assert (response.status_code, response.text) == (status, "sorry")
    assert span.attributes["http.response.status_code"] == status
    assert [event.name for event in span.events] == ["exception"] * failed
    assert span.status == ("error" if failed else "unset")


def test_the_exception_reaches_the_test(recording: Recording) -> None:
    with pytest.raises(Unhandled, match="at /fail"):
        TestClient(shop()).get("/fail")

    assert recording.span().attributes["http.response.status_code"] == 500


# Middleware of every kind.


class Dispatched(BaseHTTPMiddleware):
    """Does nothing."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Look at the headers, and go on."""
        assert request.headers
        response: Response = await call_next(request)
        return response


def with_another(headers: Headers) -> Headers:
    """One more header."""
    return [*headers, (b"x-more", b"1")]


def with_another_first(headers: Headers) -> Headers:
    """One more header, before all others."""
    return [(b"x-more", b"1"), *headers]


def without_any(_: Headers) -> Headers:
    """None of the headers."""
    return []


def made_anew(headers: Headers) -> Headers:
    """The same, of which nothing is what it was."""
    return [(bytes(bytearray(name)), bytes(bytearray(value))) for name, value in headers]


class Copying:
    """Passes on another scope, with other headers."""

    def __init__(self, app: Any, change: Callable[[Headers], Headers] = with_another) -> None:
        self.app = app
        self.change = change

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        changed = {**scope}
        if "headers" in scope:
            changed["headers"] = self.change(scope["headers"])
        await self.app(changed, receive, send)


class Rewriting:
    """Passes on another scope, with another path and one more header."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix("/api")
        headers = with_another_first(scope["headers"])
        changed = {**scope, "path": path, "raw_path": path.encode(), "headers": headers}
        await self.app(changed, receive, send)


MIDDLEWARE = [
    Middleware(Dispatched),
    Middleware(Copying),
    Middleware(CORSMiddleware, allow_origins=["*"]),
    Middleware(GZipMiddleware, minimum_size=1),
    Middleware(TrustedHostMiddleware, allowed_hosts=["shop.example"]),
    Middleware(SessionMiddleware, secret_key="secret"),  # noqa: S106  a test's
]

# Without us, too, the oldest Hypercorn ends when the oldest BaseHTTPMiddleware does.
SERVERS = [serve_uvicorn, *([serve_hypercorn] if sys.version_info >= (3, 11) else [])]


@pytest.mark.parametrize("serve", SERVERS)
@pytest.mark.parametrize("middleware", [*([one] for one in MIDDLEWARE), MIDDLEWARE])
def test_middleware_is_within_the_one_span(
    recording: Recording, middleware: list[Middleware], serve: Any
) -> None:
    app = Copying(shop(*middleware))
    with serve(app) as address, Wire(address) as wire:
        wire.send(request_bytes("/deep/a/b", origin="http://x.example", traceparent=TRACEPARENT))
        port = wire.port
        assert b" 200 " in wire.rest().splitlines()[0]

    span = recording.span()
    assert span.name == "GET /deep/{shop}/{leaf}"
    assert span.parent_id == TRACEPARENT.split("-")[2]
    assert span.attributes == {
        "client.address": "127.0.0.1",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/deep/{shop}/{leaf}",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "network.protocol.version": "1.1",
        "server.address": "shop.example",
        "server.port": 8080,
        "url.path": "/deep/a/b",
        "url.scheme": "http",
        "user_agent.original": "probe/1.0",
    }


@pytest.mark.parametrize("change", [with_another_first, without_any, made_anew])
@pytest.mark.parametrize("place", ["around", "within"])
def test_middleware_may_make_scope_and_headers_anew(
    recording: Recording, change: Callable[[Headers], Headers], place: str
) -> None:
    app: Any = shop(*([Middleware(Copying, change=change)] if place == "within" else []))
    with serve_uvicorn(Copying(app, change) if place == "around" else app) as address:
        answer = answer_to(address, request_bytes("/deep/a/more/b/c"))

    assert answer.endswith(b"{'shop': 'a', 'x': 'b', 'y': 'c'}")
    assert recording.span().name == "GET /deep/{shop}/more/{x}/{y}"


def test_middleware_may_make_the_path_anew(recording: Recording) -> None:
    with serve_uvicorn(Rewriting(shop())) as address:
        assert answer_to(address, request_bytes("/api/items/7")).endswith(b"{'item': 7}")

    span = recording.span()
    assert (span.name, span.attributes["url.path"]) == ("GET /items/{item:int}", "/api/items/7")


def test_middleware_may_leave_nothing_of_the_path(recording: Recording) -> None:
    assert client(Rewriting(shop())).get("/api").status_code == 404

    span = recording.span()
    assert span.attributes == attributes("/", http__response__status_code=404)
    assert span.name == "GET"


@pytest.mark.parametrize("middleware", [[], [Middleware(Dispatched)], MIDDLEWARE])
def test_an_exception_within_middleware_is_recorded_once(
    recording: Recording, middleware: list[Middleware]
) -> None:
    with serve_uvicorn(shop(*middleware)) as address:
        answer = answer_to(address, request_bytes("/fail"))

    span = recording.span()
    assert b" 500 " in answer.splitlines()[0]
    assert (span.name, len(span.events), span.status) == ("GET /fail", 1, "error")
    assert span.attributes["error.type"] == f"{Unhandled.__module__}.Unhandled"


class Answering(BaseHTTPMiddleware):
    """Answers whatever becomes of the request with a status of its own, if it has one."""

    def __init__(self, app: Any, status: int = 0) -> None:
        super().__init__(app)
        self.status = status

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Take what is raised, too."""
        if not self.status:
            return await call_next(request)  # type: ignore[no-any-return]
        try:
            await call_next(request)
        except Unhandled:
            """Nobody hears of it."""
        return PlainTextResponse("sorry", self.status)


@pytest.mark.parametrize(
    ("path", "own", "status", "error"),
    [
        ("/fail", 0, 500, f"{Unhandled.__module__}.Unhandled"),
        ("/fail", 500, 500, f"{Unhandled.__module__}.Unhandled"),
        ("/fail", 503, 503, f"{Unhandled.__module__}.Unhandled"),
        ("/fail", 422, 422, ""),
        ("/refuse/503", 0, 503, "starlette.exceptions.HTTPException"),
        ("/refuse/503", 502, 502, "starlette.exceptions.HTTPException"),
        ("/refuse/503", 200, 200, ""),
        ("/refuse/418", 0, 418, ""),
        ("/refuse/418", 500, 500, "500"),
        ("/refuse/418", 200, 200, ""),
        ("/items/7", 500, 500, "500"),
    ],
)
@pytest.mark.parametrize("serve", SERVERS)
def test_an_exception_that_middleware_or_a_handler_within_it_answers_is_recorded_with_a_5xx(
    recording: Recording, serve: Any, path: str, own: int, status: int, error: str
) -> None:
    app = shop(Middleware(Answering, status=own), Middleware(Answering))
    with serve(app) as address:
        assert f" {status} ".encode() in answer_to(address, request_bytes(path)).splitlines()[0]

    span = recording.span()
    assert span.attributes["http.response.status_code"] == status
    assert span.attributes.get("error.type", "") == error
    assert len(span.events) == (0 if error.isdigit() else bool(error))


@pytest.mark.parametrize("count", [1, 2])
def test_a_stream_that_fails_within_middleware_is_an_error(
    recording: Recording, count: int
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        raise Unhandled("in the middle")

    async def stream(_: Request) -> Response:
        return StreamingResponse(body())

    middleware = [Middleware(Answering) for _ in range(count)]
    app = Starlette(routes=[Route("/stream", stream)], middleware=middleware)
    with serve_uvicorn(app) as address:
        assert b"one" in answer_to(address, request_bytes("/stream"))

    span = recording.span()
    assert (span.status, span.status_message, len(span.events)) == ("error", "in the middle", 1)
    assert span.attributes["error.type"] == f"{Unhandled.__module__}.Unhandled"
    assert span.attributes["http.response.status_code"] == 200


def test_what_a_thread_does_is_a_child(recording: Recording) -> None:
    with serve_uvicorn(shop(*MIDDLEWARE)) as address:
        answer_to(address, request_bytes("/thread/7"))

    server, statement = recording.spans()
    assert (server.kind, statement.name) == ("server", "SELECT")
    assert (statement.trace_id, statement.parent_id) == (server.trace_id, server.span_id)


def test_a_request_that_an_endpoint_makes_in_process_is_a_child(recording: Recording) -> None:
    inner = shop()

    async def call(_: Request) -> Response:
        return PlainTextResponse(
            await run_in_threadpool(lambda: str(client(inner).get("/items/7").text))
        )

    with serve_uvicorn(Starlette(routes=[Route("/outer", call)])) as address:
        assert answer_to(address, request_bytes("/outer")).endswith(b"{'item': 7}")

    outer, child = recording.spans()
    assert (outer.name, child.name) == ("GET /outer", "GET /items/{item:int}")
    assert (child.trace_id, child.parent_id) == (outer.trace_id, outer.span_id)


def test_a_request_through_a_transport_that_calls_an_application_is_a_child(
    recording: Recording,
) -> None:
    transport = httpx.ASGITransport(app=shop())

    async def call(request: Request) -> Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://inner") as inner:
            # As a gateway does it: with the headers that came in.
            answer = await inner.get("/items/7", headers=request.headers.raw)
        return PlainTextResponse(answer.text)

    with serve_uvicorn(Starlette(routes=[Route("/outer", call)])) as address:
        assert answer_to(address, request_bytes("/outer")).endswith(b"{'item': 7}")

    # The client's span between them has no peer.
    outer, *rest, child = sorted(unchecked(recording), key=lambda span: span.start)
    assert (outer.name, child.name) == ("GET /outer", "GET /items/{item:int}")
    assert (outer.kind, child.kind) == ("server", "server")
    assert child.trace_id == outer.trace_id
    assert child.parent_id in {span.span_id for span in (outer, *rest)}


def test_a_call_in_process_of_the_same_path_is_a_child(recording: Recording) -> None:
    async def call(request: Request) -> Response:
        sent: list[Any] = []

        async def keep(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": request.url.path,
            "raw_path": request.url.path.encode(),
            "query_string": b"",
            "headers": made_anew(request.headers.raw),
            "client": request.scope["client"],
            "server": request.scope["server"],
        }
        await shop()(scope, request.receive, keep)
        return PlainTextResponse(sent[-1]["body"])

    with serve_uvicorn(Starlette(routes=[Route("/items/{item}", call)])) as address:
        assert answer_to(address, request_bytes("/items/7")).endswith(b"{'item': 7}")

    outer, child = recording.spans()
    assert (outer.name, child.name) == ("GET /items/{item}", "GET /items/{item:int}")
    assert (child.trace_id, child.parent_id) == (outer.trace_id, outer.span_id)


def test_an_application_made_before_patching_is_recorded(recording: Recording) -> None:
    for one in ("starlette", "uvicorn"):
        instrumentors()[one].unpatch()
    app = shop()
    made = client(app)
    assert made.get("/items/7").text == "{'item': 7}"
    assert recording.spans() == []
    patch_imported()
    instrumentors()[CLIENT].unpatch()
    made.get("/items/7")

    assert recording.span().name == "GET /items/{item:int}"


def test_a_wsgi_application_that_is_mounted_is_part_of_the_request(recording: Recording) -> None:
    app = flask.Flask("shop")
    app.add_url_rule("/items/<int:item>", "items", lambda item: f"item {item}")
    outer = Starlette(routes=[Mount("/old", WSGIMiddleware(app))])
    with serve_uvicorn(outer) as address:
        assert answer_to(address, request_bytes("/old/items/7")).endswith(b"item 7")

    span = recording.span()
    assert span.scope == "otel_run_instrumentors.uvicorn"
    assert span.name == "GET /old/items/<int:item>"


# Streams, disconnects, tasks.


@pytest.mark.parametrize("middleware", [[], MIDDLEWARE[:1], MIDDLEWARE])
def test_a_stream_ends_with_its_last_byte(
    recording: Recording, middleware: list[Middleware]
) -> None:
    go_on = threading.Event()

    async def body() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        await run_in_threadpool(go_on.wait, 20)
        query("SELECT 1")
        yield "data: 2\n\n"

    async def events(_: Request) -> Response:
        return StreamingResponse(body(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/events", events)], middleware=middleware)
    with serve_uvicorn(app) as address, Wire(address) as wire:
        wire.send(request_bytes("/events"))
        wire.until(b"data: 1")
        assert recording.spans() == []
        go_on.set()
        assert b"data: 2" in wire.rest()

    server, statement = recording.spans()
    assert server.name == "GET /events"
    assert server.end > statement.end
    assert statement.parent_id == server.span_id


@pytest.mark.parametrize("serve", [serve_uvicorn, serve_hypercorn])
def test_a_client_that_leaves_an_endless_stream_is_no_error(
    recording: Recording, serve: Any
) -> None:
    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 4096
            await run_in_threadpool(int)

    async def events(_: Request) -> Response:
        return StreamingResponse(body())

    app = Starlette(routes=[Route("/events", events)])
    with serve(app) as address, Wire(address) as wire:
        wire.send(request_bytes("/events"))
        wire.until(b"xxx")

    span = recording.span()
    assert (span.name, span.status, span.events) == ("GET /events", "unset", [])
    assert span.attributes["http.response.status_code"] == 200


def test_a_client_that_leaves_while_it_sends_is_no_error(recording: Recording) -> None:
    reading = threading.Event()

    async def read(request: Request) -> Response:
        reading.set()
        return PlainTextResponse(str(len(await request.body())))

    app = Starlette(routes=[Route("/upload", read, methods=["POST"])])
    request = request_bytes("/upload", method="POST", **{"content-length": "10"})
    with serve_uvicorn(app) as address, Wire(address) as wire:
        wire.send(request)
        assert reading.wait(20)

    span = recording.span()
    assert (span.name, span.status, span.events) == ("POST /upload", "unset", [])


def with_task(task: BackgroundTask) -> Starlette:
    """An application with an endpoint that leaves a task behind."""

    async def begin(_: Request) -> Response:
        return PlainTextResponse("begun", background=task)

    return Starlette(routes=[Route("/begin", begin)])


def link_of(span: Span) -> tuple[str, str]:
    """What the one link of a span leads to."""
    [link] = span.links
    return link.trace_id, link.span_id


def test_a_background_task_is_a_trace_of_its_own_with_a_link(recording: Recording) -> None:
    go_on = threading.Event()

    def send_mail(address: str) -> None:
        go_on.wait(20)
        query(f"SELECT '{address}'")

    with serve_uvicorn(with_task(BackgroundTask(send_mail, "a"))) as address, Wire(address) as wire:
        wire.send(request_bytes("/begin"))
        wire.until(b"begun")
        first_span(recording)
        go_on.set()

    server, task, statement = recording.spans()
    name = f"{test_a_background_task_is_a_trace_of_its_own_with_a_link.__name__}.<locals>.send_mail"
    assert (server.name, server.links) == ("GET /begin", [])
    assert (task.name, task.kind, task.status) == (name, "internal", "unset")
    assert task.attributes == {"code.function.name": f"{__name__}.{name}"}
    assert (task.parent_id, link_of(task)) == ("", (server.trace_id, server.span_id))
    assert task.trace_id != server.trace_id
    assert server.end <= task.end
    assert (statement.trace_id, statement.parent_id) == (task.trace_id, task.span_id)


async def note(*_: object) -> None:
    """Be a task."""
    query("SELECT 1")


async def break_down() -> None:
    """Be a task that fails."""
    raise Unhandled("too late")


class Callable_:  # noqa: N801  it is one
    """A task that is an object."""

    async def __call__(self) -> None:
        """Do nothing."""


def test_each_of_several_tasks_has_its_span(recording: Recording) -> None:
    tasks = BackgroundTasks()
    tasks.add_task(note, 1)
    tasks.add_task(functools.partial(note, 2))
    tasks.add_task(Callable_())
    client(with_task(tasks)).get("/begin")

    server, *rest = recording.spans()
    internal = [span for span in rest if span.kind == "internal"]
    statements = [span for span in rest if span.kind == "client"]
    assert [span.name for span in internal] == ["note", "note", "Callable_"]
    assert {link_of(span) for span in internal} == {(server.trace_id, server.span_id)}
    assert len({span.trace_id for span in (server, *internal)}) == 4
    assert [span.parent_id for span in statements] == [span.span_id for span in internal[:2]]


def test_a_task_that_fails_is_an_error_of_its_own(recording: Recording) -> None:
    client(with_task(BackgroundTask(break_down))).get("/begin")

    server, task = recording.spans()
    name = f"{Unhandled.__module__}.Unhandled"
    assert (server.status, server.attributes["http.response.status_code"]) == ("unset", 200)
    assert task.attributes == {
        "code.function.name": f"{__name__}.break_down",
        "error.type": name,
    }
    assert (task.status, task.status_message) == ("error", "too late")
    assert [event.attributes["exception.type"] for event in task.events] == [name]


def test_a_task_goes_on_after_a_client_that_left(recording: Recording) -> None:
    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 4096
            await run_in_threadpool(int)

    async def events(_: Request) -> Response:
        return StreamingResponse(body(), background=BackgroundTask(note))

    app = Starlette(routes=[Route("/events", events)])
    with serve_hypercorn(app) as address, Wire(address) as wire:
        wire.send(request_bytes("/events"))
        wire.until(b"xxx")

    server, task, statement = recording.spans()
    assert server.end <= task.end
    assert (task.name, link_of(task)) == ("note", (server.trace_id, server.span_id))
    assert statement.parent_id == task.span_id


def test_a_task_outside_of_requests_has_no_link(recording: Recording) -> None:
    import anyio

    anyio.run(BackgroundTask(note))

    task, _ = recording.spans()
    assert (task.name, task.links, CURRENT.get()) == ("note", [], None)


def test_websockets_are_no_requests(recording: Recording) -> None:
    async def application(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        await send({"type": "websocket.close"})

    app = Starlette(routes=[Mount("/", application)])
    with client(app).websocket_connect("/chat") as session:
        assert session.receive_text() == "hello"

    assert recording.spans() == []


def test_requests_on_one_connection_are_a_span_each(recording: Recording) -> None:
    with serve_uvicorn(shop()) as (host, port):
        connection = http.client.HTTPConnection(host, port, timeout=20)
        for item in range(3):
            connection.request("GET", f"/items/{item}")
            assert connection.getresponse().read()
        connection.close()

    spans = [span for span in recording.spans() if span.kind == "server"]
    assert [span.attributes["url.path"] for span in spans] == ["/items/0", "/items/1", "/items/2"]
