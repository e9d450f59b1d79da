"""Flask applications, by themselves and under servers that are recorded too."""

from __future__ import annotations

import copy
import sys
import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import flask
import pytest
import werkzeug
from werkzeug.exceptions import InternalServerError
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder

from contracts.http_server import (
    HttpServerContract,
    Unhandled,
    ignoring,
)
from contracts.wire import answer_to, request_bytes
from contracts.wsgi_framework import WsgiFrameworkContract
from contracts.wsgi_servers import serve_werkzeug, serve_wsgiref
from recording import instrumentors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from contracts.http_server import Application
    from recording import Recording


class TestFlask(HttpServerContract):
    """One span per call of the application, where no server makes one."""

    library = "flask"
    knows_peer_port = False

    @pytest.fixture
    def recording(self, recording: Recording) -> Recording:
        """Everything that is recorded where the server is not."""
        instrumentors()["wsgiref"].unpatch()
        return recording

    def serve(
        self, application: Application, *, threaded: bool = True
    ) -> AbstractContextManager[tuple[str, int]]:
        return serve_wsgiref(flask_of(application), threaded=threaded)

    def result_of(self, application: Application, environ: dict[str, Any]) -> object:
        return flask_of(application)(environ, ignoring)


class TestFlaskRoutes(WsgiFrameworkContract):
    """The route of an application's rules."""

    library = "flask"

    def application(self) -> flask.Flask:
        return shop()

    def get(self, path: str) -> Any:
        return client(self.app).get(path, buffered=True)

    def let_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(self.app.config, "PROPAGATE_EXCEPTIONS", True)  # noqa: FBT003


def flask_of(application: Application) -> flask.Flask:
    """A Flask application that answers as another one does."""
    return wrapped(flask.Flask("shop"), application)


def wrapped(app: flask.Flask, application: Any) -> flask.Flask:
    """A Flask application with another one around it, as Flask's documentation does that."""
    app.wsgi_app = application  # type: ignore[method-assign]
    return app


def shop() -> flask.Flask:
    """A program's Flask application."""
    app = flask.Flask("shop")
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.route("/items/<int:item>", methods=["GET", "POST"])
    def show_item(item: int) -> str:
        return f"item {item}"

    @app.route("/oneself")
    def ask_oneself() -> bytes:
        body: bytes = client(app).get("/items/7").data
        return body

    @app.before_request
    def refuse() -> None:
        if "refuse" in flask.request.args:
            flask.abort(403)

    app.register_blueprint(failures())
    app.register_blueprint(bodies())
    return app


def failures() -> flask.Blueprint:
    """Views that raise."""
    app = flask.Blueprint("failures", "failures")

    @app.route("/fail")
    def fail() -> str:
        raise Unhandled("nobody takes it")

    @app.route("/handled")
    def handled() -> str:
        raise LookupError

    @app.errorhandler(LookupError)
    def take(_: LookupError) -> tuple[str, int]:
        return "taken", 422

    return app


def bodies() -> flask.Blueprint:
    """Views that answer with more than a string."""
    app = flask.Blueprint("bodies", "bodies", url_prefix="/bodies")

    @app.route("/stream")
    def stream() -> flask.Response:
        def body() -> Iterator[str]:
            yield "one"
            yield flask.request.path

        return flask.Response(flask.stream_with_context(body()))

    @app.route("/file")
    def file() -> flask.Response:
        return flask.send_file(BytesIO(b"content"), mimetype="text/plain")

    return app


@pytest.fixture
def app() -> flask.Flask:
    """The program's application."""
    return shop()


def attributes(**more: Any) -> dict[str, Any]:
    """What a request of the test client has, with some of it different."""
    found = {
        "client.address": "127.0.0.1",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "server.address": "localhost",
        "server.port": 80,
        "url.scheme": "http",
        "user_agent.original": "probe/1.0",
    }
    for name, value in more.items():
        found[name.replace("__", ".")] = value
    return found


def client(app: flask.Flask) -> Any:
    """The application's test client, which Flask versions name differently."""
    made = app.test_client()
    made.environ_base = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": "probe/1.0"}
    return made


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        (
            "GET",
            "/items/7?a=1&token=hunter2marker",
            {
                "http__route": "/items/<int:item>",
                "url__path": "/items/7",
                "url__query": "a=1&token=REDACTED",
            },
        ),
        (
            "POST",
            "/items/7",
            {
                "http__request__method": "POST",
                "http__route": "/items/<int:item>",
                "url__path": "/items/7",
            },
        ),
        ("GET", "/nowhere", {"http__response__status_code": 404, "url__path": "/nowhere"}),
        (
            "DELETE",
            "/items/7",
            {
                "http__request__method": "DELETE",
                "http__response__status_code": 405,
                "url__path": "/items/7",
            },
        ),
        (
            "GET",
            "/handled",
            {
                "http__response__status_code": 422,
                "http__route": "/handled",
                "url__path": "/handled",
            },
        ),
        (
            "GET",
            "/items/7?refuse",
            {
                "http__response__status_code": 403,
                "http__route": "/items/<int:item>",
                "url__path": "/items/7",
                "url__query": "refuse",
            },
        ),
        ("GET", "/bodies/stream", {"http__route": "/bodies/stream", "url__path": "/bodies/stream"}),
        ("GET", "/bodies/file", {"http__route": "/bodies/file", "url__path": "/bodies/file"}),
    ],
)
def test_a_request_is_one_span_with_its_route(
    recording: Recording, app: flask.Flask, method: str, target: str, expected: dict[str, Any]
) -> None:
    with client(app).open(target, method=method) as response:
        assert response.data

    span = recording.span()
    route = expected.get("http__route")
    assert span.attributes == attributes(**expected)
    assert span.name == (f"{method} {route}" if route else method)
    assert (span.status, span.events) == ("unset", [])
    assert b"hunter2marker" not in recording.exported()


@pytest.mark.parametrize(
    ("told", "address", "port"),
    [
        ("127.0.0.1:4711", "127.0.0.1", {"network__peer__port": 4711}),
        ("[::1]:4711", "::1", {"network__peer__port": 4711}),
        ("::1", "::1", {}),
    ],
)
def test_an_address_may_come_with_its_port(
    recording: Recording, app: flask.Flask, told: str, address: str, port: dict[str, Any]
) -> None:
    assert client(app).get("/items/7", environ_overrides={"REMOTE_ADDR": told}).data
    expected = attributes(http__route="/items/<int:item>", url__path="/items/7", **port)
    for name in ("client.address", "network.peer.address"):
        expected[name] = address

    assert recording.span().attributes == expected


def test_an_exception_that_flask_answers_is_recorded(
    recording: Recording, app: flask.Flask
) -> None:
    response = client(app).get("/fail")
    assert b"Internal Server Error" in response.data

    span = recording.span()
    [event] = span.events
    name = f"{Unhandled.__module__}.Unhandled"
    assert response.status_code == 500
    assert span.attributes == attributes(
        error__type=name,
        http__response__status_code=500,
        http__route="/fail",
        url__path="/fail",
    )
    assert (span.name, span.status, span.status_message) == (
        "GET /fail",
        "error",
        "nobody takes it",
    )
    assert event.attributes["exception.type"] == name
    assert "fail\n" in event.attributes["exception.stacktrace"]


@pytest.mark.parametrize("kind", [Exception, Unhandled, InternalServerError])
@pytest.mark.parametrize(("status", "failed"), [(500, True), (503, True), (422, False)])
def test_an_exception_that_a_handler_answers_is_recorded_with_a_5xx(
    recording: Recording,
    app: flask.Flask,
    kind: Any,
    status: int,
    failed: bool,  # noqa: FBT001
) -> None:
    app.register_error_handler(kind, lambda _: ("sorry", status))
    response = client(app).get("/fail")
    assert (response.status_code, response.data) == (status, b"sorry")

    span = recording.span()
    # What Flask makes of an exception is one that nobody took.
    failed |= kind is InternalServerError
    assert span.attributes["http.response.status_code"] == status
    assert [event.attributes["exception.message"] for event in span.events] == (
        ["nobody takes it"] * failed
    )
    assert span.status == ("error" if failed else "unset")


def test_an_exception_that_a_handler_raises_is_the_one_that_nobody_took(
    recording: Recording, app: flask.Flask
) -> None:
    @app.errorhandler(Unhandled)
    def look_up(_: Unhandled) -> str:
        raise KeyError

    assert b"Internal Server Error" in client(app).get("/fail").data

    span = recording.span()
    [event] = span.events
    assert span.attributes["error.type"] == event.attributes["exception.type"] == "KeyError"


@pytest.mark.parametrize(("status", "failed"), [(500, True), (422, False)])
def test_an_exception_that_an_extension_answers_in_the_place_of_flask_is_recorded_with_a_5xx(
    recording: Recording,
    app: flask.Flask,
    status: int,
    failed: bool,  # noqa: FBT001
) -> None:
    def answer(_: Exception) -> Any:
        app.log_exception(sys.exc_info())
        return app.make_response(("sorry", status))

    # As Flask-RESTful and Flask-RESTX do it.
    vars(app).update(handle_exception=answer, handle_user_exception=answer)
    assert client(app).get("/fail").data == b"sorry"

    span = recording.span()
    assert span.attributes["http.response.status_code"] == status
    assert span.attributes.get("error.type") == (
        f"{Unhandled.__module__}.Unhandled" if failed else None
    )
    assert [event.attributes["exception.message"] for event in span.events] == (
        ["nobody takes it"] * failed
    )


def test_an_exception_that_leaves_for_a_middleware_to_answer_is_an_error_only_with_a_5xx(
    recording: Recording, app: flask.Flask
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = True
    handle = app.wsgi_app

    def answering(environ: Any, start_response: Any) -> Any:
        try:
            return handle(environ, start_response)
        except Unhandled:
            status = environ["QUERY_STRING"]
        return werkzeug.Response("sorry", int(status))(environ, start_response)

    wrapped(app, answering)
    answers = [client(app).get(f"/fail?{status}").data for status in (404, 503)]

    first, second = recording.spans()
    assert answers == [b"sorry"] * 2
    assert (first.name, first.status, first.events) == ("GET /fail", "unset", [])
    assert (second.name, second.status, second.status_message) == (
        "GET /fail",
        "error",
        "nobody takes it",
    )
    assert second.attributes["error.type"] == f"{Unhandled.__module__}.Unhandled"


def test_what_is_logged_without_an_exception_is_none(
    recording: Recording, app: flask.Flask
) -> None:
    @app.route("/unwell")
    def unwell() -> tuple[str, int]:
        app.log_exception(cast("Any", None))
        return "unwell", 500

    assert client(app).get("/unwell").data == b"unwell"

    span = recording.span()
    assert (span.attributes["error.type"], span.events) == ("500", [])


def test_an_exception_at_the_very_end_is_a_500(recording: Recording, app: flask.Flask) -> None:
    @app.teardown_request
    def fail(_: BaseException | None) -> None:
        raise Unhandled("afterwards")

    with serve_werkzeug(app) as address:
        answer = answer_to(address, request_bytes("/items/7"))

    span = recording.span()
    assert b" 500 " in answer.splitlines()[0]
    assert (span.name, span.status_message) == ("GET /items/<int:item>", "afterwards")
    assert span.attributes["http.response.status_code"] == 500


class Timeout(BaseException):
    """As gevent's and eventlet's are."""


@pytest.mark.parametrize(
    ("stop", "error"),
    [
        (SystemExit(1), "SystemExit"),  # as Gunicorn ends a worker that takes too long
        (SystemExit(0), None),
        (KeyboardInterrupt(), None),
        (Timeout(), f"{__name__}.Timeout"),
    ],
)
def test_a_request_that_no_exception_ends_has_its_route_and_is_an_error_if_it_has_failed(
    recording: Recording, app: flask.Flask, stop: BaseException, error: str | None
) -> None:
    @app.route("/end/<int:number>")
    def end(number: int) -> str:
        assert number
        raise stop

    with pytest.raises(type(stop)):
        client(app).get("/end/1")

    span = recording.span()
    expected = attributes(http__route="/end/<int:number>", url__path="/end/1")
    del expected["http.response.status_code"]
    if error is not None:
        expected["error.type"] = error
    assert span.attributes == expected
    assert span.status == ("unset" if error is None else "error")


def test_an_exception_is_not_that_of_the_next_request(
    recording: Recording, app: flask.Flask
) -> None:
    app.register_error_handler(Unhandled, lambda _: ("sorry", 422))
    app.add_url_rule("/unwell", view_func=lambda: ("unwell", 500))
    with app.test_client() as one:
        assert one.get("/fail").data == b"sorry"
        assert one.get("/unwell").data == b"unwell"

    spans = recording.spans()
    assert [span.attributes.get("error.type") for span in spans] == [None, "500"]


def test_an_application_mounted_within_another_is_one_span(
    recording: Recording, app: flask.Flask
) -> None:
    outer = flask.Flask("outer")
    wrapped(outer, DispatcherMiddleware(outer.wsgi_app, {"/shop": app}))
    client(outer).get("/shop/items/7")

    span = recording.span()
    assert span.name == "GET /shop/items/<int:item>"


def test_middleware_around_wsgi_app_is_within_the_span(
    recording: Recording, app: flask.Flask
) -> None:
    wrapped(app, ProxyFix(app.wsgi_app, x_for=1, x_prefix=1))
    response = client(app).get(
        "/items/7", headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Prefix": "/api"}
    )

    assert response.data == b"item 7"
    assert recording.span().attributes == attributes(
        client__address="203.0.113.9", http__route="/api/items/<int:item>", url__path="/items/7"
    )


@pytest.mark.parametrize("copies", [False, True])
def test_middleware_may_replace_the_body_and_copy_the_environment(
    recording: Recording,
    app: flask.Flask,
    copies: bool,  # noqa: FBT001
) -> None:
    @app.post("/echo")
    def echo() -> bytes:
        return flask.request.get_data()

    def reading(environ: Any, start_response: Any) -> Any:
        given = {**environ} if copies else environ
        length = int(environ["CONTENT_LENGTH"])
        given["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length).upper())
        return app(given, start_response)

    with serve_werkzeug(reading) as address:
        request = request_bytes("/echo", method="POST", content="hello")
        assert answer_to(address, request).endswith(b"HELLO")

    span = recording.span()
    assert (span.name, span.scope) == ("POST /echo", "otel_run_instrumentors.werkzeug")


def test_middleware_may_copy_the_environment_within_the_application(
    recording: Recording, app: flask.Flask
) -> None:
    handle = app.wsgi_app

    def buffering(environ: Any, start_response: Any) -> Any:
        response = werkzeug.Response.from_app(handle, environ, buffered=True)
        return response(environ, start_response)

    assert client(wrapped(app, buffering)).get("/items/7").data == b"item 7"
    assert recording.span().attributes == attributes(
        http__route="/items/<int:item>", url__path="/items/7"
    )


def test_wsgi_app_alone_is_recorded_under_a_server_as_the_application_is(
    recording: Recording, app: flask.Flask
) -> None:
    with serve_werkzeug(DispatcherMiddleware(shop().wsgi_app, {"/shop": app.wsgi_app})) as address:
        answers = [
            answer_to(address, request_bytes(path))
            for path in ("/items/7", "/shop/items/7", "/shop/fail")
        ]

    first, second, third = recording.spans()
    assert answers[0].endswith(b"item 7")
    assert answers[1].endswith(b"item 7")
    assert first.name == "GET /items/<int:item>"
    assert second.name == "GET /shop/items/<int:item>"
    assert (third.name, third.attributes["error.type"]) == (
        "GET /shop/fail",
        f"{Unhandled.__module__}.Unhandled",
    )


def test_wsgi_app_alone_is_recorded_under_a_server_that_is_not(
    recording: Recording, app: flask.Flask
) -> None:
    handle = app.wsgi_app
    made = client(wrapped(flask.Flask("outer"), handle))
    environ = EnvironBuilder("/items/7", environ_base=made.environ_base).get_environ()
    statuses: list[str] = []

    def start_response(status: str, *_: object) -> Any:
        statuses.append(status)

    assert b"".join(handle(environ, start_response)) == b"item 7"
    assert made.get("/items/8").data == b"item 8"

    first, second = recording.spans()
    assert statuses == ["200 OK"]
    assert (first.name, first.scope) == ("GET /items/<int:item>", "otel_run_instrumentors.flask")
    assert second.name == "GET /items/<int:item>"


def test_another_request_of_the_same_environment_does_not_take_the_route(
    recording: Recording, app: flask.Flask
) -> None:
    @app.route("/again/<int:number>")
    def ask(number: int) -> str:
        return f"{werkzeug.Request(flask.request.environ).path} {number}"

    assert client(app).get("/again/7").data == b"/again/7 7"
    assert recording.span().name == "GET /again/<int:number>"


def test_a_request_context_that_ends_in_another_thread_does_not_take_the_route(
    recording: Recording, app: flask.Flask
) -> None:
    paths: list[str] = []

    @app.route("/threads/<int:number>")
    def work(number: int) -> str:
        @flask.copy_current_request_context
        def note() -> None:
            paths.append(flask.request.path)

        threads = [threading.Thread(target=note) for _ in range(number)]
        for thread in threads:
            thread.start()
            thread.join()
        return "done"

    assert client(app).get("/threads/2").data == b"done"
    assert paths == ["/threads/2"] * 2
    assert recording.span().name == "GET /threads/<int:number>"


def test_a_request_that_a_view_makes_to_the_same_path_is_a_child(
    recording: Recording, app: flask.Flask
) -> None:
    outer = flask.Flask("outer")

    @outer.route("/items/<item>")
    def ask(item: str) -> bytes:
        assert item == "7"
        body: bytes = client(app).get(flask.request.path).data
        return body

    with serve_werkzeug(outer) as address:
        assert answer_to(address, request_bytes("/items/7")).endswith(b"item 7")

    first, second = recording.spans()
    assert (first.name, second.name) == ("GET /items/<item>", "GET /items/<int:item>")
    assert (second.trace_id, second.parent_id) == (first.trace_id, first.span_id)


def test_baggage_alone_does_not_take_such_a_request_out_of_its_trace(
    recording: Recording, app: flask.Flask
) -> None:
    @app.route("/outer")
    def outer() -> str:
        answer: str = client(app).get("/items/7", headers={"baggage": "tenant=blue"}).data.decode()
        return answer

    client(app).get("/outer")

    first, second = recording.spans()
    assert (second.trace_id, second.parent_id) == (first.trace_id, first.span_id)


def test_a_request_context_that_a_view_makes_up_is_not_its_route(
    recording: Recording, app: flask.Flask
) -> None:
    @app.route("/outer")
    def outer() -> str:
        with app.test_request_context("/items/7"):
            return flask.request.path

    assert client(app).get("/outer").data == b"/items/7"
    assert recording.span().name == "GET /outer"


def test_request_contexts_without_a_request_are_no_spans(
    recording: Recording, app: flask.Flask
) -> None:
    with app.test_request_context("/items/7"), app.app_context():
        assert flask.request.path == "/items/7"

    assert recording.spans() == []


def test_an_application_made_before_patching_is_recorded(recording: Recording) -> None:
    instrumentors()["flask"].unpatch()
    app = shop()
    made = client(app)
    for module in instrumentors()["flask"].modules:
        instrumentors()["flask"].patch(module)
    made.get("/items/7")

    assert recording.span().name == "GET /items/<int:item>"


def test_an_application_stays_what_it_is(recording: Recording, app: flask.Flask) -> None:
    again = copy.copy(app)

    assert type(app) is type(again) is flask.Flask
    assert client(again).get("/items/7").data == b"item 7"
    assert recording.span().name == "GET /items/<int:item>"
