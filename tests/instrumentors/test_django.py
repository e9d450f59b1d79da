"""Django projects: by themselves, for test clients, and under servers that are recorded too."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler
from wsgiref.util import FileWrapper

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from contracts import django_shop
from contracts.asgi_servers import serve_hypercorn, serve_uvicorn
from contracts.gunicorn_server import Sync, serving
from contracts.http_server import (
    MARKER,
    SPAN_ID,
    TRACEPARENT,
    Unhandled,
    each_way,
    ignoring,
    minimal_environ,
)
from contracts.instrumentor import InstrumentorContract
from contracts.wire import AGENT, Wire, answer_to, request_bytes, without_date
from contracts.wsgi_framework import WsgiFrameworkContract
from contracts.wsgi_servers import serve_werkzeug, serve_wsgiref
from otel_run.engine.exclusion import Exclusion
from otel_run.signals.context import CURRENT
from recording import instrumentors

# Below the project, for these need its settings.
from django.contrib.auth.models import User  # isort: skip
from django.core.asgi import get_asgi_application  # isort: skip
from django.core.handlers.wsgi import WSGIHandler  # isort: skip
from django.core.management import call_command  # isort: skip
from django.core.wsgi import get_wsgi_application  # isort: skip
from django.db import connections  # isort: skip
from django.http import HttpRequest, HttpResponse  # isort: skip
from django.test import AsyncClient, Client  # isort: skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from programs import Programs
    from recording import Recording

pytestmark = pytest.mark.usefixtures("capfd")  # servers write what becomes of requests

UNHANDLED = f"{Unhandled.__module__}.Unhandled"


@pytest.fixture
def wsgi() -> Any:
    """The project as WSGI servers are given it."""
    return get_wsgi_application()


def attributes(**more: Any) -> dict[str, Any]:
    """What a request of the test client has, with some of it different."""
    found: dict[str, Any] = {
        "client.address": "127.0.0.1",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "server.address": "testserver",
        "server.port": 80,
        "url.scheme": "http",
        "user_agent.original": AGENT,
    }
    for name, value in more.items():
        found[name.replace("__", ".")] = value
    return found


def awaited(target: str) -> Any:
    """What the asynchronous test client gets, all of it."""

    async def run() -> Any:
        client: Any = AsyncClient(raise_request_exception=False)
        response = await client.get(target, **{"user-agent": AGENT})
        if response.streaming and response.is_async:
            assert [part async for part in response.streaming_content]
        elif response.streaming:
            assert list(response.streaming_content)
        return response

    return asyncio.run(run())


def got(target: str) -> Any:
    """What the test client gets."""
    return Client(raise_request_exception=False, HTTP_USER_AGENT=AGENT).get(target)


EXPECTED: list[tuple[str, dict[str, Any]]] = [
    ("/", {"http__route": "/", "url__path": "/"}),
    (
        f"/items/7/?a=1&token={MARKER}",
        {
            "http__route": "/items/<int:item>/",
            "url__path": "/items/7/",
            "url__query": "a=1&token=REDACTED",
        },
    ),
    ("/later/7", {"http__route": "/later/<int:item>", "url__path": "/later/7"}),
    ("/class/7", {"http__route": "/class/<int:item>", "url__path": "/class/7"}),
    ("/old/7", {"http__route": "^old/(?P<item>[0-9]+)$", "url__path": "/old/7"}),
    ("/shop/carts/a-b", {"http__route": "/shop/carts/<slug:item>", "url__path": "/shop/carts/a-b"}),
    ("/shop/xx", {"http__route": "/shop/x+$", "url__path": "/shop/xx"}),
    ("/stream", {"http__route": "/stream", "url__path": "/stream"}),
    ("/stream-later", {"http__route": "/stream-later", "url__path": "/stream-later"}),
    ("/file", {"http__route": "/file", "url__path": "/file"}),
    ("/items/7", {"http__response__status_code": 301, "url__path": "/items/7"}),
    ("/nowhere", {"http__response__status_code": 404, "url__path": "/nowhere"}),
    (
        "/missing",
        {"http__response__status_code": 404, "http__route": "/missing", "url__path": "/missing"},
    ),
    (
        "/denied",
        {"http__response__status_code": 403, "http__route": "/denied", "url__path": "/denied"},
    ),
    ("/bad", {"http__response__status_code": 400, "http__route": "/bad", "url__path": "/bad"}),
]


class TestDjangoRoutes(WsgiFrameworkContract):
    """The route of a project's patterns."""

    library = "django"
    route = "/items/<int:item>/"

    def application(self) -> Any:
        return get_wsgi_application()

    def get(self, path: str) -> Any:
        return got(path)

    def let_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("django.conf.settings.DEBUG_PROPAGATE_EXCEPTIONS", True)


class TestDjango(InstrumentorContract):
    """One span per call of a handler, where no server makes one."""

    library = "django"

    @pytest.mark.parametrize("reader", ["read_request", "observe"])
    def test_a_mistake_of_ours_does_not_reach_the_client(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        wsgi: Any,
        reader: str,
    ) -> None:
        instrumentors()["wsgiref"].unpatch()

        def once() -> bytes:
            with serve_wsgiref(wsgi) as address:
                return without_date(answer_to(address, request_bytes("/stream")))

        self.check_turned_off(monkeypatch, capfd, reader, once)
        assert CURRENT.get() is None

    def test_the_same_bytes_are_sent_with_and_without_us(
        self, recording: Recording, wsgi: Any
    ) -> None:
        instrumentors()["wsgiref"].unpatch()
        requests = [
            *(request_bytes(target) for target, _ in EXPECTED),
            request_bytes("/fail"),
            request_bytes("/", method="HEAD"),
            request_bytes("/", method="POST", content="body", traceparent=TRACEPARENT),
        ]
        answers = []
        for _ in each_way(self):
            with serve_wsgiref(wsgi) as address:
                answers.append([without_date(answer_to(address, one)) for one in requests])

        with_us, without_us = answers
        assert with_us == without_us
        assert len(recording.spans()) == len(requests)


@pytest.mark.parametrize(("target", "expected"), EXPECTED)
def test_a_request_of_the_test_client_is_one_span_with_its_route(
    recording: Recording, target: str, expected: dict[str, Any]
) -> None:
    got(target)

    span = recording.span()
    route = expected.get("http__route")
    assert span.attributes == attributes(**expected)
    assert span.name == (f"GET {route}" if route else "GET")
    assert (span.status, span.events) == ("unset", [])
    assert span.scope == "otel_run_instrumentors.django"
    assert MARKER.encode() not in recording.exported()


@pytest.mark.parametrize(("target", "expected"), EXPECTED)
def test_a_request_of_the_asynchronous_test_client_as_well(
    recording: Recording, target: str, expected: dict[str, Any]
) -> None:
    awaited(target)

    span = recording.span()
    assert span.attributes == attributes(**expected)
    assert (span.status, span.events) == ("unset", [])


@pytest.mark.parametrize("ask", [got, awaited])
@pytest.mark.parametrize("target", ["/fail", "/fail-later"])
def test_an_exception_that_no_view_takes_is_an_error_and_an_event(
    recording: Recording, ask: Callable[[str], Any], target: str
) -> None:
    response = ask(target)

    span = recording.span()
    [event] = span.events
    assert response.status_code == 500
    assert span.attributes == attributes(
        error__type=UNHANDLED,
        http__response__status_code=500,
        http__route=target,
        url__path=target,
    )
    assert (span.name, span.status) == (f"GET {target}", "error")
    assert span.status_message == "with token=REDACTED"
    assert event.attributes["exception.type"] == UNHANDLED
    assert "fail" in event.attributes["exception.stacktrace"]
    assert MARKER.encode() not in recording.exported()


@pytest.mark.parametrize("ask", [got, awaited])
def test_an_exception_of_a_middleware_is_one_too(
    recording: Recording, ask: Callable[[str], Any]
) -> None:
    assert ask("/items/7/?refuse").status_code == 500

    span = recording.span()
    assert span.attributes == attributes(
        error__type=UNHANDLED,
        http__response__status_code=500,
        http__route="/items/<int:item>/",
        url__path="/items/7/",
        url__query="refuse",
    )
    assert [event.attributes["exception.message"] for event in span.events] == ["refused"]


@pytest.mark.parametrize("ask", [got, awaited])
@pytest.mark.parametrize("target", ["/fail", "/fail-later"])
@pytest.mark.parametrize(("status", "failed"), [(500, True), (503, True), (422, False)])
def test_an_exception_that_a_middleware_answers_is_recorded_with_a_5xx(
    recording: Recording,
    ask: Callable[[str], Any],
    target: str,
    status: int,
    failed: bool,  # noqa: FBT001
) -> None:
    assert ask(f"{target}?answer={status}").status_code == status

    span = recording.span()
    assert span.attributes["http.response.status_code"] == status
    assert [event.name for event in span.events] == ["exception"] * failed
    assert span.attributes.get("error.type") == (UNHANDLED if failed else None)


@pytest.mark.parametrize("ask", [got, awaited])
@pytest.mark.parametrize(
    ("target", "answer", "error"),
    [
        # What goes wrong while an exception is handled.
        ("/fail", "never", "LookupError"),
        ("/missing", "never", "LookupError"),
        # What a framework within answers.
        ("/restful", "500", UNHANDLED),
        ("/ninja/fail", "500", UNHANDLED),
    ],
)
def test_what_a_5xx_answers_for_is_the_error_with_its_own_event(
    recording: Recording, ask: Callable[[str], Any], target: str, answer: str, error: str
) -> None:
    assert ask(f"{target}?answer={answer}").status_code == 500

    span = recording.span()
    assert span.attributes == attributes(
        error__type=error,
        http__response__status_code=500,
        http__route=target,
        url__path=target,
        url__query=f"answer={answer}",
    )
    assert [event.attributes["exception.type"] for event in span.events] == [error]


@pytest.mark.parametrize("target", ["/restful", "/ninja/fail"])
def test_what_a_framework_within_answers_with_no_5xx_is_none(
    recording: Recording, target: str
) -> None:
    assert got(f"{target}?answer=409").status_code == 409
    assert got(f"/hand-on?target={target}%3Fanswer=500").content == b"500"

    spans = recording.spans()
    assert [(span.status, span.events) for span in spans] == [("unset", [])] * 2


@pytest.mark.parametrize("ask", [got, awaited])
def test_an_error_handler_that_fails_does_not_replace_the_error(
    recording: Recording, ask: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: HttpRequest) -> HttpResponse:
        raise LookupError

    monkeypatch.setattr(django_shop, "handler500", fail, raising=False)
    with pytest.raises(LookupError):
        ask("/fail")

    span = recording.span()
    assert span.attributes == attributes(
        error__type=UNHANDLED,
        http__response__status_code=500,
        http__route="/fail",
        url__path="/fail",
    )
    assert [event.attributes["exception.type"] for event in span.events] == [UNHANDLED]


@pytest.mark.parametrize("ask", [got, awaited])
def test_what_requests_come_to_that_a_view_makes_up_is_none_of_its_own(
    recording: Recording, ask: Callable[[str], Any]
) -> None:
    target = "/hand-on?target=/fail&target=/items/7/&target=/items/7/%3Frefuse"
    assert ask(target).content == b"500 200 500"

    span = recording.span()
    assert span.attributes == attributes(
        http__route="/hand-on",
        url__path="/hand-on",
        url__query=target.partition("?")[2],
    )
    assert (span.status, span.events) == ("unset", [])


@pytest.mark.parametrize("ask", [got, awaited])
@pytest.mark.parametrize("target", ["/trace", "/trace-later"])
def test_views_of_both_kinds_are_within_the_span(
    recording: Recording, ask: Callable[[str], Any], target: str
) -> None:
    response = ask(target)

    assert response.content.decode() == recording.span().trace_id


def test_under_a_server_that_is_not_recorded_the_handler_s_span_has_it_all(
    recording: Recording, wsgi: Any
) -> None:
    instrumentors()["wsgiref"].unpatch()
    with serve_wsgiref(wsgi) as address:
        answer_to(address, request_bytes("/items/7/", traceparent=TRACEPARENT))
        answer_to(address, request_bytes("/fail"))

    first, second = recording.spans()
    assert first.scope == "otel_run_instrumentors.django"
    assert first.parent_id == SPAN_ID
    assert first.attributes == attributes(
        http__route="/items/<int:item>/",
        server__address="shop.example",
        server__port=8080,
        url__path="/items/7/",
    )
    assert second.attributes["http.response.status_code"] == 500


def test_a_streamed_body_ends_the_span_with_its_last_byte(recording: Recording, wsgi: Any) -> None:
    instrumentors()["wsgiref"].unpatch()
    django_shop.GATE.clear()
    with serve_wsgiref(wsgi) as address, Wire(address) as wire:
        wire.send(request_bytes("/gated"))
        wire.until(b"one")
        before = recording.spans()
        django_shop.GATE.set()
        answer = wire.rest()

    assert answer.endswith(b"two")
    assert before == []
    assert recording.span().name == "GET /gated"


def test_an_exception_within_the_body_is_an_error_with_the_status_that_was_sent(
    recording: Recording, wsgi: Any
) -> None:
    instrumentors()["wsgiref"].unpatch()
    with serve_wsgiref(wsgi) as address:
        answer_to(address, request_bytes("/break-off"))

    span = recording.span()
    assert span.name == "GET /break-off"
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["error.type"] == UNHANDLED
    assert [event.attributes["exception.message"] for event in span.events] == ["in the middle"]


def test_a_response_that_has_its_content_is_returned_as_it_is(
    recording: Recording, wsgi: Any
) -> None:
    response = wsgi(environ_of("/items/7/"), ignoring)

    assert type(response) is HttpResponse
    assert response.status_code == 200
    assert recording.span().name == "GET /items/<int:item>/"
    response.close()


def environ_of(path: str) -> dict[str, Any]:
    """What a server that is not recorded calls the project with."""
    return {**minimal_environ(), "PATH_INFO": path, "HTTP_HOST": "shop.example"}


@pytest.mark.parametrize("path", ["/stream", "/stream-closed", "/file"])
def test_a_response_that_is_streamed_is_returned_as_it_is(
    recording: Recording, wsgi: Any, path: str
) -> None:
    kinds, bodies = [], []
    for _ in each_way(TestDjango()):
        response = wsgi(environ_of(path), ignoring)
        kinds.append(type(response))
        bodies.append(list(response.streaming_content))
        response.close()

    assert kinds[0] is kinds[1]
    assert bodies[0] == bodies[1]
    assert recording.span().name == f"GET {path}"


def test_a_streamed_body_is_made_and_closed_within_the_span(
    recording: Recording, wsgi: Any
) -> None:
    django_shop.ENDED.clear()
    response = wsgi(environ_of("/stream-trace"), ignoring)
    first = next(iter(response))
    before = recording.spans()
    response.close()

    assert before == []
    assert [first.decode()] == django_shop.ENDED == [recording.span().trace_id]


def test_a_streamed_body_is_closed_once(recording: Recording, wsgi: Any) -> None:
    django_shop.ENDED.clear()
    response = wsgi(environ_of("/stream-closed"), ignoring)
    assert list(response) == [b"one", b"two"]
    response.close()

    assert django_shop.ENDED == ["1"]
    assert recording.span().name == "GET /stream-closed"


def test_a_warning_about_a_streamed_body_names_who_iterates_over_it(
    recording: Recording, wsgi: Any
) -> None:
    found = []
    for _ in each_way(TestDjango()):
        with pytest.warns(Warning, match="must consume asynchronous iterators") as warnings:
            assert list(wsgi(environ_of("/stream-later"), ignoring)) == [b"one", b"two"]
        found.append([(warning.filename, warning.lineno) for warning in warnings])

    assert found[0] == found[1]
    assert recording.span().name == "GET /stream-later"


class ByName(WSGIHandler):
    """Hands the request on in another way."""

    def resolve_request(self, request: Any) -> Any:
        """Call it by its name."""
        return super().resolve_request(request=request)


class Curious(WSGIHandler):
    """Asks where another request would lead to."""

    def resolve_request(self, request: Any) -> Any:
        """Resolve one that no server knows."""
        made_up = HttpRequest()
        made_up.path_info = "/later/7"
        found = super().resolve_request(request)
        super().resolve_request(made_up)
        return found


@pytest.mark.parametrize("handler", [ByName, Curious])
def test_the_route_is_that_of_the_request_itself(
    recording: Recording, handler: Callable[[], Any]
) -> None:
    environ = {**minimal_environ(), "PATH_INFO": "/items/7/", "HTTP_HOST": "shop.example"}
    handler()(environ, ignoring).close()

    assert recording.span().name == "GET /items/<int:item>/"


@pytest.mark.parametrize(
    ("wrapper", "kind"), [(FileWrapper, FileWrapper), (lambda file, _: file, BytesIO)]
)
def test_the_server_gets_its_own_file_wrapper(
    recording: Recording, wsgi: Any, wrapper: Any, kind: type[Any]
) -> None:
    response = wsgi({**environ_of("/file"), "wsgi.file_wrapper": wrapper}, ignoring)

    assert type(response) is kind
    assert recording.span().name == "GET /file"
    response.close()


def test_middleware_around_the_project_is_within_the_server_s_span(
    recording: Recording, wsgi: Any
) -> None:
    with serve_werkzeug(ProxyFix(wsgi, x_for=1)) as address:
        answer_to(address, request_bytes("/items/7/", x_forwarded_for="203.0.113.9"))

    span = recording.span()
    assert span.name == "GET /items/<int:item>/"
    assert span.attributes["client.address"] == "203.0.113.9"
    assert span.attributes["network.peer.address"] == "127.0.0.1"


def test_a_mounted_regular_expression_begins_below_the_mount(
    recording: Recording, wsgi: Any
) -> None:
    with serve_werkzeug(DispatcherMiddleware(wsgi, {"/shop": wsgi})) as address:
        answer_to(address, request_bytes("/shop/old/7"))

    assert recording.span().name == "GET /shop/^old/(?P<item>[0-9]+)$"


def test_a_context_does_not_outlive_its_request(recording: Recording, wsgi: Any) -> None:
    with serving(Sync, 1, wsgi) as address:
        for target in ("/items/7/", "/stream", "/fail", "/file", "/later/7"):
            answer_to(address, request_bytes(target, traceparent=TRACEPARENT))
            answer_to(address, request_bytes(target))

    assert [span.parent_id for span in recording.spans()] == [SPAN_ID, ""] * 5


def test_an_excluded_request_leaves_nothing(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    exclusion = Exclusion((), frozenset({"/oneself"}))
    monkeypatch.setattr("otel_run.engine.http_server.EXCLUSION", exclusion)

    assert got("/oneself").content == b"item 7"
    assert awaited("/oneself").content == b"item 7"
    assert recording.spans() == []
    assert recording.metrics() == []


@pytest.fixture
def user() -> Iterator[User]:
    """Somebody who may do everything, in a database of this thread's."""
    call_command("migrate", verbosity=0)
    yield User.objects.create_superuser("ada", password=MARKER)
    connections.close_all()


def test_the_admin_is_recorded_with_its_routes_and_queries(
    recording: Recording, user: User
) -> None:
    recording.forget()
    client = Client(HTTP_USER_AGENT=AGENT)
    client.get("/admin/")
    client.get("/admin/login/")
    client.post("/admin/login/?next=/admin/", {"username": user.get_username(), "password": MARKER})
    page = client.get(f"/admin/auth/user/{user.pk}/change/")

    spans = recording.spans()
    requests = [span for span in spans if span.kind == "server"]
    assert page.status_code == 200
    assert [(span.name, span.attributes["http.response.status_code"]) for span in requests] == [
        ("GET /admin/", 302),
        ("GET /admin/login/", 200),
        ("POST /admin/login/", 302),
        ("GET /admin/auth/user/<path:object_id>/change/", 200),
    ]
    assert {span.parent_id for span in spans if span.kind == "client"} == {
        span.span_id for span in requests[2:]
    }
    assert MARKER.encode() not in recording.exported()


def asgi_answers(target: str, *messages: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    """What an ASGI server is sent by the project."""
    waiting = list(messages) or [{"type": "http.request", "body": b""}]
    sent: list[dict[str, Any]] = []
    path, _, query = target.partition("?")

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    fields = {"host": "testserver", "user-agent": AGENT, **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "client": ("127.0.0.1", 4711),
        "server": ("testserver", 80),
    }
    application: Any = get_asgi_application()
    asyncio.run(application(scope, receive, send))
    return sent


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators")
@pytest.mark.parametrize(("target", "expected"), EXPECTED)
def test_a_request_of_an_asgi_server_is_one_span_with_its_route(
    recording: Recording, target: str, expected: dict[str, Any]
) -> None:
    messages = asgi_answers(target, traceparent=TRACEPARENT)

    span = recording.span()
    assert span.attributes == attributes(network__peer__port=4711, **expected)
    assert span.attributes["http.response.status_code"] == messages[0]["status"]
    assert span.parent_id == SPAN_ID
    assert (span.status, span.events) == ("unset", [])


@pytest.mark.parametrize("serve", [serve_uvicorn, serve_hypercorn])
def test_under_a_recorded_asgi_server_there_is_one_span_with_the_route(
    recording: Recording, serve: Any
) -> None:
    with serve(get_asgi_application()) as address:
        answer = answer_to(address, request_bytes("/later/7", traceparent=TRACEPARENT))
        answer_to(address, request_bytes("/fail"))
        answer_to(address, request_bytes("/nowhere"))

    first, second, third = recording.spans()
    assert b"item 7" in answer
    assert first.scope != "otel_run_instrumentors.django"
    assert first.parent_id == SPAN_ID
    first.attributes.pop("network.peer.port")
    assert first.attributes == attributes(
        http__route="/later/<int:item>",
        server__address="shop.example",
        server__port=8080,
        url__path="/later/7",
    )
    assert (second.name, len(second.events)) == ("GET /fail", 1)
    assert second.attributes["error.type"] == UNHANDLED
    assert third.name == "GET"


def test_a_project_that_starlette_mounts_has_the_whole_route(recording: Recording) -> None:
    project: Any = get_asgi_application()
    mounted = Starlette(routes=[Mount("/shop", project)])
    with serve_uvicorn(mounted) as address:
        answer = answer_to(address, request_bytes("/shop/later/7"))

    span = recording.span()
    assert b"item 7" in answer
    assert span.name == "GET /shop/later/<int:item>"


@pytest.mark.parametrize("target", ["/fail", "/fail-later", "/?refuse"])
def test_its_exceptions_are_recorded_too(recording: Recording, target: str) -> None:
    messages = asgi_answers(target)

    span = recording.span()
    assert messages[0]["status"] == span.attributes["http.response.status_code"] == 500
    assert span.attributes["error.type"] == UNHANDLED
    assert len(span.events) == 1


def test_a_client_that_hangs_up_before_its_request_is_whole_is_no_error(
    recording: Recording,
) -> None:
    assert asgi_answers("/items/7/", {"type": "http.disconnect"}) == []

    span = recording.span()
    assert (span.name, span.status, span.events) == ("GET", "unset", [])


class Broken(BytesIO):
    """The connection of a client that has gone."""

    def read(self, *_: object) -> bytes:
        """Fail as sockets do."""
        raise ConnectionResetError


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_client_that_hangs_up_while_its_request_is_read_is_no_error(
    recording: Recording,
    wsgi: Any,
    is_recorded: bool,  # noqa: FBT001
) -> None:
    if not is_recorded:
        instrumentors()["wsgiref"].unpatch()
    request = {"REQUEST_METHOD": "POST", "PATH_INFO": "/length", "CONTENT_LENGTH": "5"}
    environ = {**minimal_environ(), **request}
    SimpleHandler(Broken(), BytesIO(), StringIO(), environ).run(wsgi)

    span = recording.span()
    assert (span.name, span.status, span.events) == ("POST /length", "unset", [])
    assert "error.type" not in span.attributes


NO_SETTINGS = """
import json, sys
before = set(sys.modules)
import django.core.handlers.asgi, django.core.handlers.wsgi, django.test.client
from django.conf import settings
patched = [
    django.core.handlers.asgi.ASGIHandler.__call__,
    django.core.handlers.wsgi.WSGIHandler.__call__,
    django.test.client.ClientHandler.__call__,
]
print(json.dumps([settings.configured, [hasattr(one, "__wrapped__") for one in patched]]))
"""


def test_django_without_settings_is_patched_and_not_asked_for_any(programs: Programs) -> None:
    finished = programs.run(NO_SETTINGS)

    assert (finished.returncode, finished.stderr) == (0, "")
    assert json.loads(finished.stdout) == [False, [True, True, True]]


def test_django_that_is_installed_and_not_used_is_not_imported(programs: Programs) -> None:
    finished = programs.run("import sys, wsgiref.handlers\nprint('django' in sys.modules)")

    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "False\n", "")
