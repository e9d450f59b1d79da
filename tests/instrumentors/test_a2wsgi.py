"""Applications of WSGI that a2wsgi serves as such of ASGI, and the other way round."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from a2wsgi import ASGIMiddleware, WSGIMiddleware
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from contracts.asgi_server import first_span
from contracts.gunicorn_server import Threaded, serving
from contracts.http_server import TRACEPARENT, Unhandled
from contracts.instrumentor import InstrumentorContract
from contracts.wire import AGENT, Wire, answer_to, request_bytes, without_date
from contracts.wsgi_bridge import WsgiBridgeContract
from contracts.wsgi_servers import serve_waitress, serve_werkzeug, serve_wsgiref
from otel_run.engine.exclusion import Exclusion
from recording import instrumentors, unpatch_all
from served import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

    from recording import Recording


class TestA2wsgi(InstrumentorContract, WsgiBridgeContract):
    """No span of its own: the server's is told."""

    library = "a2wsgi"

    def adapt(self, application: Any) -> Any:
        return WSGIMiddleware(application)


@contextmanager
def adapted(application: Any) -> Iterator[Any]:
    """An application of WSGI that answers as the one of ASGI does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield ASGIMiddleware(application, loop=loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def read(request: Request) -> PlainTextResponse:
    """Answer from a database, and a thread."""
    name = await run_in_threadpool(ask, "two")
    return PlainTextResponse(f"item {request.path_params['item']} {ask('one')} {name}")


async def fail(request: Request) -> PlainTextResponse:
    """Raise, for nobody to take."""
    raise Unhandled(f"at {request.url.path}")


async def echo(request: Request) -> StreamingResponse:
    """Send the body back in pieces."""
    body = await request.body()

    async def pieces() -> AsyncIterator[bytes]:
        yield body
        yield ask("three").encode()

    return StreamingResponse(pieces())


ROUTES = [Route("/items/{item:int}", read), Route("/echo", echo, methods=["POST"])]
SHOP = Starlette(routes=[*ROUTES, Mount("/deep/{shop}", routes=ROUTES), Route("/fail", fail)])


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """An application of no framework."""
    if scope["path"] == "/fail":
        raise Unhandled("before anything")
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": ask("one").encode(), "more_body": True})
    if scope["path"] == "/late":
        raise Unhandled("in the middle")
    await send({"type": "http.response.body", "body": b""})


def serve_gunicorn(application: Any) -> Any:
    """Serve with a worker of Gunicorn."""
    return serving(Threaded, 1, application)


SERVERS = [serve_gunicorn, serve_waitress, serve_werkzeug, serve_wsgiref]
UNHANDLED = f"{Unhandled.__module__}.Unhandled"

pytestmark = pytest.mark.usefixtures("capfd")  # servers write what becomes of requests


@pytest.mark.parametrize("serve", SERVERS)
@pytest.mark.parametrize("mount", ["", "/deep/a"])
def test_a_request_to_an_application_of_asgi_is_one_span_with_the_route(
    recording: Recording, serve: Any, mount: str
) -> None:
    with adapted(SHOP) as application, serve(application) as address:
        answer = answer_to(address, request_bytes(f"{mount}/items/7", traceparent=TRACEPARENT))

    span, *statements = recording.spans()
    route = f"{mount and '/deep/{shop}'}/items/{{item:int}}"
    assert answer.endswith(b"item 7 one two")
    assert len(statements) == 2
    assert {statement.parent_id for statement in statements} == {span.span_id}
    assert (span.name, span.parent_id) == (f"GET {route}", TRACEPARENT.split("-")[2])
    assert span.scope not in {"otel_run_instrumentors.a2wsgi", "otel_run_instrumentors.starlette"}
    span.attributes.pop("network.peer.port", None)  # which not every server tells
    assert span.attributes == {
        "client.address": "127.0.0.1",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": route,
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "server.address": "shop.example",
        "server.port": 8080,
        "url.path": f"{mount}/items/7",
        "url.scheme": "http",
        "user_agent.original": AGENT,
    }


def test_where_it_is_mounted_is_part_of_the_route(recording: Recording) -> None:
    with adapted(SHOP) as application:
        both = DispatcherMiddleware(application, {"/shop": application})
        with serve_werkzeug(both) as address:
            for path in ("/shop/items/7", "/items/7", "/shop/deep/a/items/7"):
                assert b"item 7" in answer_to(address, request_bytes(path))

    assert [span.name for span in recording.spans() if span.kind == "server"] == [
        "GET /shop/items/{item:int}",
        "GET /items/{item:int}",
        "GET /shop/deep/{shop}/items/{item:int}",
    ]


@pytest.mark.parametrize(
    ("application", "path", "statuses", "message", "route"),
    [
        (SHOP, "/fail", {500}, "at /fail", "/fail"),
        (plain, "/fail", {500}, "before anything", ""),
        (plain, "/late", {200, 500}, "in the middle", ""),  # old versions begin another response
    ],
)
def test_an_exception_of_an_application_of_asgi_is_the_request_s(
    recording: Recording,
    application: Any,
    path: str,
    statuses: set[int],
    message: str,
    route: str,
) -> None:
    with adapted(application) as adapter, serve_werkzeug(adapter) as address:
        answer_to(address, request_bytes(path))

    span = recording.spans()[0]
    assert (span.name, span.status, span.status_message) == (
        f"GET {route}".strip(),
        "error",
        message,
    )
    assert span.attributes["http.response.status_code"] in statuses
    assert span.attributes["error.type"] == UNHANDLED
    assert [event.name for event in span.events] == ["exception"]


def test_a_stream_of_an_application_of_asgi_ends_the_span_with_its_last_byte(
    recording: Recording,
) -> None:
    go_on = threading.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await run_in_threadpool(go_on.wait, 20)
        yield ask("two").encode()

    async def stream(_: Request) -> StreamingResponse:
        return StreamingResponse(pieces())

    app = Starlette(routes=[Route("/stream", stream)])
    with adapted(app) as adapter, serve_werkzeug(adapter) as address, Wire(address) as wire:
        wire.send(request_bytes("/stream"))
        wire.until(b"one")
        assert recording.spans() == []
        go_on.set()
        assert b"two" in wire.rest()

    span, statement = recording.spans()
    assert statement.parent_id == span.span_id
    assert span.end >= statement.end


def test_a_background_task_of_an_application_of_asgi_is_linked_and_not_in_the_span(
    recording: Recording,
) -> None:
    go_on = threading.Event()

    def work() -> None:
        go_on.wait(20)
        ask("one")

    async def begin(_: Request) -> PlainTextResponse:
        return PlainTextResponse("begun", background=BackgroundTask(work))

    app = Starlette(routes=[Route("/begin", begin)])
    with adapted(app) as adapter, serve_werkzeug(adapter) as address, Wire(address) as wire:
        wire.send(request_bytes("/begin"))
        wire.until(b"begun")
        first_span(recording)
        go_on.set()

    span, task, statement = recording.spans()
    [link] = task.links
    assert (span.name, link.span_id) == ("GET /begin", span.span_id)
    assert statement.parent_id == task.span_id


def test_what_an_application_of_asgi_does_after_the_last_byte_is_not_in_the_span(
    recording: Recording,
) -> None:
    go_on = threading.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await plain(scope, receive, send)
        await run_in_threadpool(go_on.wait, 20)

    with adapted(application) as made, serve_werkzeug(made) as address, Wire(address) as wire:
        wire.send(request_bytes())
        wire.until(b"one")
        first_span(recording)
        go_on.set()


def test_an_application_of_asgi_under_a_server_that_is_not_recorded_has_its_span(
    recording: Recording,
) -> None:
    with adapted(plain) as adapter:

        def server(environ: Any, start_response: Any) -> Any:
            return adapter(environ, start_response)

        instrumentors()["wsgiref"].unpatch()
        with serve_wsgiref(server) as address:
            answer_to(address, request_bytes("/path"))

    span, statement = recording.spans()
    assert (span.scope, span.name) == ("otel_run_instrumentors.a2wsgi", "GET")
    assert statement.parent_id == span.span_id


def test_an_excluded_request_leaves_nothing(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    exclusion = Exclusion((), frozenset({"/items/7"}))
    monkeypatch.setattr("otel_run.engine.http_server.EXCLUSION", exclusion)
    with adapted(SHOP) as adapter, serve_werkzeug(adapter) as address:
        assert b"item 7" in answer_to(address, request_bytes("/items/7"))

    assert recording.spans() == []


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("application", [SHOP, plain])
def test_the_same_bytes_are_sent_with_and_without_us(application: Any) -> None:
    requests = [
        request_bytes("/items/7"),
        request_bytes("/echo", method="POST", content="hello"),
        request_bytes("/echo", method="HEAD"),
        request_bytes("/fail"),
        request_bytes("/nowhere"),
    ]
    answers = []
    for turn in range(2):
        with adapted(application) as adapter, serve_werkzeug(adapter) as address:
            answers.append([without_date(answer_to(address, one)) for one in requests])
        if not turn:
            unpatch_all()

    assert answers[0] == answers[1]
