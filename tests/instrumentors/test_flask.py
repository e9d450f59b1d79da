"""Flask applications, by themselves and under servers that are recorded too."""

from __future__ import annotations

import copy
from io import BytesIO
from typing import TYPE_CHECKING, Any

import flask
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from contracts.http_server import (
    SPAN_ID,
    TRACEPARENT,
    HttpServerContract,
    Unhandled,
    counts,
    duration,
    ignoring,
)
from contracts.wire import answer_to, request_bytes
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


def test_the_route_is_part_of_the_series(recording: Recording, app: flask.Flask) -> None:
    for target in ("/items/1", "/items/2", "/nowhere"):
        assert client(app).get(target).data

    usual = {
        "http.request.method": "GET",
        "network.protocol.version": "1.1",
        "url.scheme": "http",
    }
    assert counts(duration(recording)) == [
        ({**usual, "http.response.status_code": 200, "http.route": "/items/<int:item>"}, 2),
        ({**usual, "http.response.status_code": 404}, 1),
    ]


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


def test_an_exception_that_flask_lets_through_is_the_same_and_recorded_once(
    recording: Recording, app: flask.Flask
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(Unhandled, match="nobody takes it") as raised:
        client(app).get("/fail")

    span = recording.span()
    assert raised.value.__context__ is None
    assert len(span.events) == 1
    assert span.attributes["http.response.status_code"] == 500
    assert span.attributes["error.type"] == f"{Unhandled.__module__}.Unhandled"
    assert span.attributes["http.route"] == "/fail"


@pytest.mark.parametrize(
    ("serve", "library"), [(serve_werkzeug, "werkzeug"), (serve_wsgiref, "wsgiref")]
)
def test_under_a_recorded_server_there_is_one_span_with_the_route(
    recording: Recording, app: flask.Flask, serve: Any, library: str
) -> None:
    with serve(app) as address:
        answer = answer_to(address, request_bytes("/items/7", traceparent=TRACEPARENT))
        answer_to(address, request_bytes("/fail"))

    first, second = recording.spans()
    assert answer.endswith(b"item 7")
    assert first.scope == f"otel_run_instrumentors.{library}"
    assert first.parent_id == SPAN_ID
    assert first.name == "GET /items/<int:item>"
    assert ("network.peer.port" in first.attributes) is (library == "werkzeug")
    first.attributes.pop("network.peer.port", None)
    assert first.attributes == attributes(
        http__route="/items/<int:item>",
        server__address="shop.example",
        server__port=8080,
        url__path="/items/7",
    )
    assert (second.name, len(second.events)) == ("GET /fail", 1)
    assert second.attributes["error.type"] == f"{Unhandled.__module__}.Unhandled"


def test_a_mounted_application_s_route_begins_with_where_it_is_mounted(
    recording: Recording, app: flask.Flask
) -> None:
    mounted = DispatcherMiddleware(flask.Flask("root"), {"/shop": app})
    with serve_werkzeug(mounted) as address:
        answer_to(address, request_bytes("/shop/items/7"))
        answer_to(address, request_bytes("/elsewhere"))

    first, second = recording.spans()
    assert first.name == "GET /shop/items/<int:item>"
    assert first.attributes["url.path"] == "/shop/items/7"
    assert second.name == "GET"


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


def test_a_request_that_a_view_makes_to_its_own_application_is_a_child(
    recording: Recording, app: flask.Flask
) -> None:
    @app.route("/outer")
    def outer() -> str:
        answer: str = client(app).get("/items/7").data.decode()
        return answer

    with serve_werkzeug(app) as address:
        answer_to(address, request_bytes("/outer"))

    first, second = recording.spans()
    assert (first.name, first.scope) == ("GET /outer", "otel_run_instrumentors.werkzeug")
    assert (second.name, second.scope) == (
        "GET /items/<int:item>",
        "otel_run_instrumentors.flask",
    )
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
