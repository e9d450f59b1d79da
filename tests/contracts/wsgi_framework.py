"""What holds for every framework of WSGI that has routes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from contracts.gunicorn_server import Threaded, serving
from contracts.http_server import SPAN_ID, TRACEPARENT, Unhandled, counts, duration
from contracts.wire import AGENT, answer_to, request_bytes
from contracts.wsgi_servers import serve_waitress, serve_werkzeug, serve_wsgiref

if TYPE_CHECKING:
    from recording import Recording

UNHANDLED = f"{Unhandled.__module__}.Unhandled"


def serve_gunicorn(application: Any) -> Any:
    """Serve with a worker of Gunicorn."""
    return serving(Threaded, 1, application)


SERVERS = [serve_gunicorn, serve_waitress, serve_werkzeug, serve_wsgiref]


class WsgiFrameworkContract:
    """Subclass it, and give an application with three routes.

    `route` answers with `item 7`, `/fail` raises `Unhandled`, and `/oneself` answers with what a
    test client gets from the first.
    """

    library: ClassVar[str]
    route: ClassVar[str] = "/items/<int:item>"

    def application(self) -> Any:
        """An application as servers are given it."""
        raise NotImplementedError

    def get(self, path: str) -> Any:
        """What a test client gets, all of it."""
        raise NotImplementedError

    def let_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have exceptions leave the application that no handler takes."""
        raise NotImplementedError

    @cached_property
    def app(self) -> Any:
        """The application."""
        return self.application()

    def path(self, item: int = 7) -> str:
        """Where an item is."""
        return self.route.replace("<int:item>", str(item))

    def test_the_route_is_part_of_the_series(self, recording: Recording) -> None:
        for path in (self.path(1), self.path(2), "/nowhere"):
            self.get(path)

        usual = {
            "http.request.method": "GET",
            "network.protocol.version": "1.1",
            "url.scheme": "http",
        }
        assert counts(duration(recording)) == [
            ({**usual, "http.response.status_code": 200, "http.route": self.route}, 2),
            ({**usual, "http.response.status_code": 404}, 1),
        ]

    def test_an_exception_that_it_lets_through_is_the_same_and_recorded_once(
        self, recording: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.let_out(monkeypatch)
        with pytest.raises(Unhandled) as raised:
            self.get("/fail")

        span = recording.span()
        assert raised.value.__context__ is None
        assert len(span.events) == 1
        assert span.attributes["http.response.status_code"] == 500
        assert span.attributes["error.type"] == UNHANDLED
        assert span.attributes["http.route"] == "/fail"

    @pytest.mark.usefixtures("capfd")  # servers write what becomes of requests
    @pytest.mark.parametrize("serve", SERVERS)
    def test_under_a_recorded_server_there_is_one_span_with_the_route(
        self, recording: Recording, serve: Any
    ) -> None:
        with serve(self.app) as address:
            answer = answer_to(address, request_bytes(self.path(), traceparent=TRACEPARENT))
            answer_to(address, request_bytes("/fail"))

        first, second = recording.spans()
        assert answer.endswith(b"item 7")
        assert first.scope != f"otel_run_instrumentors.{self.library}"
        assert first.parent_id == SPAN_ID
        assert first.name == f"GET {self.route}"
        first.attributes.pop("network.peer.port", None)  # which not every server tells
        assert first.attributes == {
            "client.address": "127.0.0.1",
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "http.route": self.route,
            "network.peer.address": "127.0.0.1",
            "network.protocol.version": "1.1",
            "server.address": "shop.example",
            "server.port": 8080,
            "url.path": self.path(),
            "url.scheme": "http",
            "user_agent.original": AGENT,
        }
        assert (second.name, len(second.events)) == ("GET /fail", 1)
        assert second.attributes["error.type"] == UNHANDLED

    def test_where_it_is_mounted_is_part_of_the_route(self, recording: Recording) -> None:
        with serve_werkzeug(DispatcherMiddleware(self.app, {"/shop": self.app})) as address:
            answer_to(address, request_bytes(f"/shop{self.path()}"))
            answer_to(address, request_bytes(self.path()))

        first, second = recording.spans()
        assert first.name == f"GET /shop{self.route}"
        assert first.attributes["url.path"] == f"/shop{self.path()}"
        assert second.name == f"GET {self.route}"

    def test_a_request_that_a_view_makes_to_its_own_application_is_a_child(
        self, recording: Recording
    ) -> None:
        with serve_werkzeug(self.app) as address:
            assert answer_to(address, request_bytes("/oneself")).endswith(b"item 7")

        first, second = recording.spans()
        assert (first.name, first.scope) == ("GET /oneself", "otel_run_instrumentors.werkzeug")
        assert second.name == f"GET {self.route}"
        assert second.scope == f"otel_run_instrumentors.{self.library}"
        assert (second.trace_id, second.parent_id) == (first.trace_id, first.span_id)
