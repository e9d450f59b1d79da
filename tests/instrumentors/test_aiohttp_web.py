"""Applications of aiohttp.web, on real sockets."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import warnings
from time import time_ns
from typing import TYPE_CHECKING, Any, cast
from weakref import ref

import pytest
from aiohttp import WSMsgType, web
from aiohttp.abc import AbstractMatchInfo, AbstractRouter
from aiohttp.test_utils import TestClient, TestServer

from contracts.aiohttp_server import serve_aiohttp
from contracts.http_server import (
    MARKER,
    SPAN_ID,
    TRACE_ID,
    TRACEPARENT,
    Unhandled,
    active,
    counts,
    duration,
    each_way,
)
from contracts.instrumentor import InstrumentorContract
from contracts.wire import AGENT, Wire, answer_to, request_bytes, without_date
from otel_run.engine.exclusion import Exclusion
from otel_run.engine.failure import error_type
from otel_run.signals.context import CURRENT

if TYPE_CHECKING:
    from pathlib import Path

    from recording import Recording

pytestmark = pytest.mark.usefixtures("capfd")  # the server writes what becomes of handlers

UNHANDLED = f"{Unhandled.__module__}.Unhandled"


async def show_item(request: web.Request) -> web.Response:
    """Answer with what was asked for."""
    return web.Response(text=f"item {request.match_info['item']}")


async def echo(request: web.Request) -> web.Response:
    """Answer with the request's body."""
    return web.Response(body=await request.read())


async def fail(_: web.Request) -> web.Response:
    """Fail in a way that nobody takes."""
    raise Unhandled(f"with token={MARKER}")


async def forbid(_: web.Request) -> web.Response:
    """Answer with an exception."""
    raise web.HTTPForbidden(text="no")


async def move(_: web.Request) -> web.Response:
    """Redirect."""
    raise web.HTTPFound("/items/7")


async def give_up(_: web.Request) -> web.Response:
    """Answer with an exception that is the server's fault."""
    raise web.HTTPServiceUnavailable


async def time_out(_: web.Request) -> web.Response:
    """Take too long for what is asked."""
    raise asyncio.TimeoutError


async def stream(request: web.Request) -> web.StreamResponse:
    """Answer in parts."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"data: one\n\n")
    await response.write(b"data: two\n\n")
    await response.write_eof()
    return response


async def break_off(request: web.Request) -> web.StreamResponse:
    """Fail within the body."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"one")
    raise Unhandled("in the middle")


async def talk(request: web.Request) -> web.WebSocketResponse:
    """Say everything again."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


def shop(*middlewares: Any) -> web.Application:
    """A program's application."""
    application = web.Application(middlewares=middlewares)
    routes: list[tuple[str, str, Any]] = [
        ("GET", r"/items/{item:\d+}", show_item),
        ("GET", "/any/{item}", show_item),
        ("POST", "/echo", echo),
        ("GET", "/fail", fail),
        ("GET", "/forbid", forbid),
        ("GET", "/move", move),
        ("GET", "/give-up", give_up),
        ("GET", "/time-out", time_out),
        ("GET", "/stream", stream),
        ("GET", "/break-off", break_off),
        ("GET", "/talk", talk),
    ]
    for method, path, handler in routes:
        application.router.add_route(method, path, handler)
    return application


def attributes(port: int, **more: Any) -> dict[str, Any]:
    """What a request has, with some of it different."""
    found: dict[str, Any] = {
        "client.address": "127.0.0.1",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "network.protocol.version": "1.1",
        "server.address": "shop.example",
        "server.port": 8080,
        "url.scheme": "http",
        "user_agent.original": AGENT,
    }
    for name, value in more.items():
        found[name.replace("__", ".")] = value
    return {name: value for name, value in found.items() if value is not None}


def ask(application: Any, request: bytes, **options: Any) -> tuple[bytes, int]:
    """The answer to one request, and the client's port."""
    with serve_aiohttp(application, **options) as address, Wire(address) as wire:
        wire.send(request)
        return wire.rest(), wire.port


class TestAiohttpWeb(InstrumentorContract):
    """One span per request, under the application's own server."""

    library = "aiohttp.web"

    @pytest.mark.parametrize("reader", ["read_request"])
    def test_a_mistake_of_ours_does_not_reach_the_client(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], reader: str
    ) -> None:
        def once() -> bytes:
            return without_date(ask(shop(), request_bytes("/stream"))[0])

        self.check_turned_off(monkeypatch, capfd, reader, once)
        assert CURRENT.get() is None

    def test_the_same_bytes_are_sent_with_and_without_us(
        self, recording: Recording, tmp_path: Path
    ) -> None:
        (tmp_path / "file.txt").write_bytes(b"file" * 50_000)
        requests = [
            *(request_bytes(target) for target, _ in EXPECTED),
            *(request_bytes(f"/{name}") for name in ("fail", "break-off", "files/file.txt")),
            request_bytes("/items/7", method="HEAD"),
            request_bytes("/echo", method="POST", content="body", expect="100-continue"),
            request_bytes("/echo", method="POST", traceparent=TRACEPARENT, x_forwarded_for="x"),
            b"garbage\r\n\r\n",
        ]
        answers = []
        for _ in each_way(self):
            application = shop()
            application.router.add_static("/files", tmp_path)
            with serve_aiohttp(application) as address:
                answers.append([without_date(answer_to(address, one)) for one in requests])

        with_us, without_us = answers
        assert with_us == without_us
        assert all(with_us)
        assert len(recording.spans()) == len(requests) - 1

    def test_access_logs_say_what_they_said_before(
        self, recording: Recording, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "aiohttp.access")
        told = []
        for _ in each_way(self):
            caplog.clear()
            for target, _ in EXPECTED:
                ask(shop(), request_bytes(target), access_log_format="%a %r %s")
            told.append([record.getMessage() for record in caplog.records])

        with_us, without_us = told
        assert with_us == without_us
        assert with_us[0] == "127.0.0.1 GET /items/7?a=1&token=hunter2marker HTTP/1.1 200"
        assert len(recording.spans()) == len(EXPECTED)


EXPECTED: list[tuple[str, dict[str, Any]]] = [
    (
        f"/items/7?a=1&token={MARKER}",
        {
            "http__route": "/items/{item}",
            "url__path": "/items/7",
            "url__query": "a=1&token=REDACTED",
        },
    ),
    (
        "/any/caf%C3%A9%20x%25",
        {"http__route": "/any/{item}", "url__path": "/any/caf%C3%A9%20x%25"},
    ),
    ("/items/x", {"http__response__status_code": 404, "url__path": "/items/x"}),
    ("/echo", {"http__response__status_code": 405, "url__path": "/echo"}),
    (
        "/forbid",
        {"http__response__status_code": 403, "http__route": "/forbid", "url__path": "/forbid"},
    ),
    ("/move", {"http__response__status_code": 302, "http__route": "/move", "url__path": "/move"}),
    (
        "/give-up",
        {
            "error__type": "aiohttp.web_exceptions.HTTPServiceUnavailable",
            "http__response__status_code": 503,
            "http__route": "/give-up",
            "url__path": "/give-up",
        },
    ),
    (
        "/time-out",
        {
            "error__type": error_type(asyncio.TimeoutError()),
            "http__response__status_code": 504,
            "http__route": "/time-out",
            "url__path": "/time-out",
        },
    ),
    ("/stream", {"http__route": "/stream", "url__path": "/stream"}),
]


@pytest.mark.parametrize(("target", "expected"), EXPECTED)
def test_a_request_is_one_span_with_its_route(
    recording: Recording, target: str, expected: dict[str, Any]
) -> None:
    answer, port = ask(shop(), request_bytes(target))

    span = recording.span()
    route = expected.get("http__route")
    assert answer.startswith(b"HTTP/1.1 ")
    assert span.attributes == attributes(port, **expected)
    assert span.name == (f"GET {route}" if route else "GET")
    assert (span.kind, span.status) == (
        "server",
        "error" if "error__type" in expected else "unset",
    )
    assert (span.parent_id, span.links) == ("", [])
    assert [event.name for event in span.events] == ["exception"] * ("error__type" in expected)
    assert span.scope == "otel_run_instrumentors.aiohttp.web"
    assert 0 < span.start < span.end
    assert MARKER.encode() not in recording.exported()


def test_an_exception_that_no_handler_takes_is_an_error_and_an_event(recording: Recording) -> None:
    answer, port = ask(shop(), request_bytes("/fail"))

    span = recording.span()
    [event] = span.events
    assert b" 500 " in answer.splitlines()[0]
    assert span.attributes == attributes(
        port,
        error__type=UNHANDLED,
        http__response__status_code=500,
        http__route="/fail",
        url__path="/fail",
    )
    assert (span.name, span.status) == ("GET /fail", "error")
    assert span.status_message == "with token=REDACTED"
    assert event.attributes["exception.type"] == UNHANDLED
    assert "in fail\n" in event.attributes["exception.stacktrace"]
    assert MARKER.encode() not in recording.exported()


def test_an_exception_within_the_body_is_an_error_with_the_status_that_was_sent(
    recording: Recording,
) -> None:
    _, port = ask(shop(), request_bytes("/break-off"))

    span = recording.span()
    assert span.attributes == attributes(
        port, error__type=UNHANDLED, http__route="/break-off", url__path="/break-off"
    )
    assert [event.attributes["exception.message"] for event in span.events] == ["in the middle"]


def test_middlewares_are_within_the_span_and_their_exceptions_are_recorded(
    recording: Recording,
) -> None:
    current: list[Any] = []

    @web.middleware
    async def look(request: web.Request, handler: Any) -> web.StreamResponse:
        current.append(CURRENT.get())
        response: web.StreamResponse = await handler(request)
        response.headers["x-looked"] = "yes"
        if "refuse" in request.query:
            raise Unhandled("refused")
        return response

    answer, _ = ask(shop(look), request_bytes("/items/7"))
    ask(shop(look), request_bytes("/items/7?refuse"))

    first, second = recording.spans()
    assert b"x-looked: yes" in answer.lower()
    assert [f"{node.span_id:016x}" for node in current] == [first.span_id, second.span_id]
    assert (second.name, second.status_message) == ("GET /items/{item}", "refused")
    assert second.attributes["error.type"] == UNHANDLED


@pytest.mark.parametrize("kind", [Unhandled, ConnectionRefusedError])
@pytest.mark.parametrize("is_set_later", [True, False])
def test_an_exception_that_a_middleware_answers_with_a_5xx_is_an_error_and_an_event(
    recording: Recording,
    kind: type[Exception],
    is_set_later: bool,  # noqa: FBT001
) -> None:
    async def refuse(_: web.Request) -> web.Response:
        raise kind(f"with token={MARKER}")

    @web.middleware
    async def excuse(request: web.Request, handler: Any) -> web.StreamResponse:
        response = web.Response()
        try:
            return cast("web.StreamResponse", await handler(request))
        except kind:
            if is_set_later:
                response.set_status(503)
            else:
                response = web.Response(status=503)
        return response

    application = web.Application(middlewares=[excuse])
    application.router.add_get("/refuse", refuse)
    answer, port = ask(application, request_bytes("/refuse"))

    span = recording.span()
    [event] = span.events
    assert b" 503 " in answer.splitlines()[0]
    assert span.attributes == attributes(
        port,
        error__type=error_type(kind()),
        http__response__status_code=503,
        http__route="/refuse",
        url__path="/refuse",
    )
    assert event.attributes["exception.message"] == "with token=REDACTED"
    assert "refuse\n" in event.attributes["exception.stacktrace"]
    assert MARKER.encode() not in recording.exported()


def test_an_exception_that_is_answered_otherwise_is_no_error(recording: Recording) -> None:
    @web.middleware
    async def excuse(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return cast("web.StreamResponse", await handler(request))
        except Unhandled:
            web.Response(status=500)
            return web.Response(status=409)

    ask(shop(excuse), request_bytes("/fail"))

    span = recording.span()
    assert (span.name, span.status, span.events) == ("GET /fail", "unset", [])
    assert span.attributes["http.response.status_code"] == 409


def test_a_5xx_that_answers_no_exception_has_no_event(recording: Recording) -> None:
    @web.middleware
    async def refuse(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return cast("web.StreamResponse", await handler(request))
        except Unhandled:
            pass
        return web.Response(status=503)

    ask(shop(refuse), request_bytes("/fail"))

    span = recording.span()
    assert (span.status, span.events) == ("error", [])
    assert span.attributes["error.type"] == "503"


def test_an_exception_that_was_answered_is_free_when_it_is_sent(recording: Recording) -> None:
    kept: list[Any] = []

    @web.middleware
    async def excuse(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except Unhandled as error:
            kept.append(ref(error))
            response = web.Response(status=503)
        return response

    gc.collect()
    gc.disable()
    try:
        ask(shop(excuse), request_bytes("/fail"))
    finally:
        gc.enable()

    assert recording.span().attributes["error.type"] == UNHANDLED
    assert [reference() for reference in kept] == [None]


def test_an_application_within_another_gives_the_whole_route(recording: Recording) -> None:
    inner, outer = shop(), web.Application()
    between = web.Application()
    between.add_subapp("/shop", inner)
    outer.add_subapp("/v1", between)
    with serve_aiohttp(outer) as address:
        answer_to(address, request_bytes("/v1/shop/items/7"))
        answer_to(address, request_bytes("/v1/shop/nowhere"))
        answer_to(address, request_bytes("/elsewhere"))

    first, second, third = recording.spans()
    assert first.name == "GET /v1/shop/items/{item}"
    assert [second.name, third.name] == ["GET", "GET"]
    assert "http.route" not in second.attributes


def test_views_that_are_classes_and_static_files_have_their_routes(
    recording: Recording, tmp_path: Path
) -> None:
    class Item(web.View):
        async def get(self) -> web.Response:
            return web.Response(text="view")

    (tmp_path / "file.txt").write_bytes(b"file" * 50_000)
    application = web.Application()
    application.router.add_view("/view/{item}", Item)
    application.router.add_static("/files", tmp_path)
    with serve_aiohttp(application) as address:
        answer_to(address, request_bytes("/view/1"))
        answer = answer_to(address, request_bytes("/files/file.txt"))
        answer_to(address, request_bytes("/view/1", method="DELETE"))

    spans = recording.spans()
    assert answer.endswith(b"file" * 50_000)
    assert [span.name for span in spans] == [
        "GET /view/{item}",
        "GET /files",
        "DELETE /view/{item}",
    ]
    assert [span.attributes["http.response.status_code"] for span in spans] == [200, 200, 405]


def test_a_server_without_an_application_has_spans_without_routes(recording: Recording) -> None:
    async def handle(request: web.BaseRequest) -> web.Response:
        return web.Response(text=request.path)

    with serve_aiohttp(handle) as address, Wire(address) as wire:
        wire.send(request_bytes("/any"))
        port, answer = wire.port, wire.rest()

    assert answer.endswith(b"/any")
    assert recording.span().attributes == attributes(port, url__path="/any")


def test_a_remote_parent_is_continued_with_its_baggage(recording: Recording) -> None:
    seen: list[Any] = []

    async def look(_: web.Request) -> web.Response:
        node: Any = CURRENT.get()
        seen.append(node.baggage)
        return web.Response()

    application = web.Application()
    application.router.add_get("/", look)
    ask(
        application,
        request_bytes(traceparent=TRACEPARENT, tracestate="vendor=opaque", baggage="tenant=blue"),
    )

    span = recording.span()
    assert (span.trace_id, span.parent_id) == (TRACE_ID, SPAN_ID)
    assert span.trace_state == "vendor=opaque"
    assert seen == [{"tenant": ("blue", "")}]


def test_what_proxies_say_is_believed_as_under_other_servers(recording: Recording) -> None:
    _, port = ask(
        shop(), request_bytes("/items/7", forwarded="for=203.0.113.9;proto=https;host=h.example")
    )

    assert recording.span().attributes == attributes(
        port,
        client__address="203.0.113.9",
        http__route="/items/{item}",
        server__address="h.example",
        server__port=443,
        url__path="/items/7",
        url__scheme="https",
    )


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("http://user:secret@elsewhere.example/items/7?a=b", "/items/7", "a=b"),
        ("/any/http://elsewhere.example?a", "/any/http://elsewhere.example", "a"),
    ],
)
def test_a_request_as_proxies_get_them_has_its_path_alone(
    recording: Recording, target: str, path: str, query: str
) -> None:
    ask(shop(), request_bytes(target))

    span = recording.span()
    assert (span.attributes["url.path"], span.attributes["url.query"]) == (path, query)


def test_an_unknown_method_is_other(recording: Recording) -> None:
    answer, port = ask(shop(), request_bytes("/items/7", method="PURGE"))

    assert b" 405 " in answer.splitlines()[0]
    assert recording.span().attributes == attributes(
        port,
        http__request__method="_OTHER",
        http__request__method_original="PURGE",
        http__response__status_code=405,
        url__path="/items/7",
    )


def test_what_is_no_request_has_no_span(recording: Recording) -> None:
    answer, _ = ask(shop(), b"garbage\r\n\r\n")

    assert b" 400 " in answer.splitlines()[0]
    assert recording.spans() == []


def test_an_excluded_request_leaves_nothing(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    exclusion = Exclusion((), frozenset({"/items/7"}))
    monkeypatch.setattr("otel_run.engine.http_server.EXCLUSION", exclusion)
    answer, _ = ask(shop(), request_bytes("/items/7"))

    assert answer.endswith(b"item 7")
    assert recording.spans() == []
    assert recording.metrics() == []


def test_requests_on_one_connection_do_not_see_each_other(recording: Recording) -> None:
    keep = {"connection": "keep-alive"}
    with serve_aiohttp(shop()) as address, Wire(address) as wire:
        wire.send(request_bytes("/items/1", traceparent=TRACEPARENT, **keep))
        wire.until(b"item 1")
        # Two at once: the second waits for the first one's answer.
        wire.send(request_bytes("/items/2", **keep) + request_bytes("/items/3"))
        answer = wire.rest()

    spans = recording.spans()
    assert b"item 2" in answer
    assert answer.endswith(b"item 3")
    assert [span.attributes["url.path"] for span in spans] == ["/items/1", "/items/2", "/items/3"]
    assert [span.parent_id for span in spans] == [SPAN_ID, "", ""]
    assert len({span.trace_id for span in spans}) == 3


def test_a_streamed_body_ends_the_span_with_its_last_byte(recording: Recording) -> None:
    go_on = threading.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one")
        await asyncio.get_running_loop().run_in_executor(None, go_on.wait, 20)
        await response.write(b"two")
        return response

    application = web.Application()
    application.router.add_get("/wait", wait)
    with serve_aiohttp(application) as address, Wire(address) as wire:
        wire.send(request_bytes("/wait"))
        wire.until(b"one")
        before, meanwhile = recording.spans(), active(recording)
        sent = time_ns()
        go_on.set()
        wire.rest()

    span = recording.span()
    common = {"http.request.method": "GET", "url.scheme": "http"}
    assert before == []
    assert span.end > sent
    assert [(point.attributes, point.value) for point in meanwhile.points] == [(common, 1)]
    assert [(point.attributes, point.value) for point in active(recording).points] == [(common, 0)]


def test_a_client_that_hangs_up_is_no_error(recording: Recording) -> None:
    ended = threading.Event()

    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        finally:
            ended.set()

    application = web.Application()
    application.router.add_get("/flood", flood)
    with serve_aiohttp(application) as address:
        with Wire(address) as wire:
            port = wire.port
            wire.send(request_bytes("/flood"))
            wire.until(b"xxx")
        assert ended.wait(20)

    span = recording.span()
    assert span.attributes == attributes(port, http__route="/flood", url__path="/flood")
    assert (span.status, span.events) == ("unset", [])


@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_client_that_hangs_up_while_it_sends_is_no_error(
    recording: Recording,
    is_chunked: bool,  # noqa: FBT001
) -> None:
    reading, ended = threading.Event(), threading.Event()

    async def read(request: web.Request) -> web.Response:
        reading.set()
        try:
            return web.Response(body=await request.read())
        finally:
            ended.set()

    application = web.Application()
    application.router.add_post("/upload", read)
    length = {"transfer-encoding": "chunked"} if is_chunked else {"content-length": "100"}
    with serve_aiohttp(application) as address:
        with Wire(address) as wire:
            wire.send(request_bytes("/upload", method="POST", **length) + b"3\r\nabc\r\n")
            assert reading.wait(20)
        assert ended.wait(20)

    span = recording.span()
    assert (span.name, span.status, span.events) == ("POST /upload", "unset", [])
    assert "error.type" not in span.attributes


def test_a_failing_connection_of_the_handler_s_own_is_an_error(recording: Recording) -> None:
    async def call_others(_: web.Request) -> web.Response:
        raise ConnectionResetError("by somebody else")

    application = web.Application()
    application.router.add_get("/", call_others)
    ask(application, request_bytes())

    span = recording.span()
    assert span.attributes["error.type"] == "ConnectionResetError"
    assert span.attributes["http.response.status_code"] == 500
    assert [event.attributes["exception.message"] for event in span.events] == ["by somebody else"]


def test_the_tests_that_aiohttp_offers_are_recorded_as_well(recording: Recording) -> None:
    async def run() -> tuple[int, str]:
        async with TestClient(TestServer(shop())) as client:
            answer = await client.get("/items/7")
            return answer.status, await answer.text()

    assert asyncio.run(run()) == (200, "item 7")
    [span] = [span for span in recording.spans() if span.kind == "server"]
    assert span.name == "GET /items/{item}"


def test_a_web_socket_s_request_ends_when_it_has_become_one(recording: Recording) -> None:
    async def run() -> list[Any]:
        async with TestClient(TestServer(shop())) as client, client.ws_connect("/talk") as socket:
            await socket.send_str("hello")
            said = await socket.receive_str()
            meanwhile = [span for span in recording.spans() if span.kind == "server"]
            await socket.send_str("still there")
            return [said, await socket.receive_str(), *meanwhile]

    first, second, span = asyncio.run(run())
    spans = [span for span in recording.spans() if span.kind == "server"]
    assert (first, second) == ("hello", "still there")
    assert span.name == "GET /talk"
    assert span.attributes["http.response.status_code"] == 101
    assert spans == [span]
    assert [point.value for point in active(recording).points] == [0]


def test_what_a_router_of_the_program_s_finds_need_not_have_a_route(recording: Recording) -> None:
    class Found(AbstractMatchInfo):
        apps = _apps = ()  # aiohttp itself asks for the second
        current_app = None
        http_exception = None

        @property
        def handler(self) -> Any:
            return echo

        async def expect_handler(self, _: web.Request) -> None:
            """Expect anything."""

        def get_info(self) -> dict[str, Any]:
            return {}

        def add_app(self, app: web.Application) -> None:
            """Be of any application."""

        def freeze(self) -> None:
            """Never change."""

    class Router(AbstractRouter):
        async def resolve(self, _: web.Request) -> AbstractMatchInfo:
            return Found()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # aiohttp deprecates such routers
        application = web.Application(router=cast("Any", Router()))
    answer, port = ask(application, request_bytes("/anywhere"))

    assert b" 200 " in answer.splitlines()[0]
    assert recording.span().attributes == attributes(port, url__path="/anywhere")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (web.HTTPBadRequest, None),
        (web.HTTPBadGateway, "aiohttp.web_exceptions.HTTPBadGateway"),
    ],
)
def test_a_response_within_the_body_of_another_is_not_what_was_answered(
    recording: Recording, answer: type[web.HTTPException], error: str | None
) -> None:
    async def change_one_s_mind(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one")
        raise answer

    application = web.Application()
    application.router.add_get("/change", change_one_s_mind)
    received, port = ask(application, request_bytes("/change"))

    assert b" 200 " in received.splitlines()[0]
    assert recording.span().attributes == attributes(
        port, error__type=error, http__route="/change", url__path="/change"
    )


def test_the_route_is_part_of_the_series(recording: Recording) -> None:
    with serve_aiohttp(shop()) as address:
        for target in ("/items/1", "/items/2", "/nowhere"):
            answer_to(address, request_bytes(target))

    usual = {
        "http.request.method": "GET",
        "network.protocol.version": "1.1",
        "url.scheme": "http",
    }
    assert counts(duration(recording)) == [
        ({**usual, "http.response.status_code": 200, "http.route": "/items/{item}"}, 2),
        ({**usual, "http.response.status_code": 404}, 1),
    ]


def test_an_application_made_before_patching_is_recorded(recording: Recording) -> None:
    contract = TestAiohttpWeb()
    contract.instrumentor.unpatch()
    application = shop()
    contract.patch()
    ask(application, request_bytes("/items/7"))

    assert recording.span().name == "GET /items/{item}"
