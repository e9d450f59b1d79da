"""What holds for every way to serve an application of WSGI as one of ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import flask
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from contracts.asgi_servers import serve_hypercorn, serve_uvicorn
from contracts.http_server import Unhandled
from contracts.wire import Wire, answer_to, request_bytes
from served import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recording import Recording


def shop() -> flask.Flask:
    """A program's application."""
    app = flask.Flask("shop")

    @app.route("/items/<int:item>")
    def read(item: int) -> str:
        return f"item {item} {ask('one')}"

    @app.post("/echo")
    def echo() -> flask.Response:
        body = flask.request.get_data()

        def pieces() -> Iterator[bytes]:
            yield body
            yield ask("two").encode()

        return flask.Response(flask.stream_with_context(pieces()))

    @app.route("/fail")
    def fail() -> str:
        raise Unhandled("nobody takes it")

    return app


class WsgiBridgeContract:
    """Subclass it, and give the bridge.

    `tells_mount` is whether it tells applications where they are mounted.
    """

    tells_mount: ClassVar[bool] = True

    def adapt(self, application: Any) -> Any:
        """An application of ASGI that answers as the one of WSGI does."""
        raise NotImplementedError

    @pytest.mark.parametrize("serve", [serve_uvicorn, serve_hypercorn])
    def test_a_request_is_one_span_with_the_route(self, recording: Recording, serve: Any) -> None:
        with serve(self.adapt(shop())) as address, Wire(address) as wire:
            wire.send(request_bytes("/items/7"))
            port = wire.port
            assert b"item 7 one" in wire.rest()

        span, statement = recording.spans()
        assert (span.name, statement.parent_id) == ("GET /items/<int:item>", span.span_id)
        assert span.scope in {"otel_run_instrumentors.uvicorn", "otel_run_instrumentors.hypercorn"}
        assert span.attributes == {
            "client.address": "127.0.0.1",
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "http.route": "/items/<int:item>",
            "network.peer.address": "127.0.0.1",
            "network.peer.port": port,
            "network.protocol.version": "1.1",
            "server.address": "shop.example",
            "server.port": 8080,
            "url.path": "/items/7",
            "url.scheme": "http",
            "user_agent.original": "probe/1.0",
        }

    def test_where_it_is_mounted_is_part_of_the_route(self, recording: Recording) -> None:
        app = Starlette(routes=[Mount("/old", self.adapt(shop()))])
        with serve_uvicorn(app) as address:
            assert b"item 7" in answer_to(address, request_bytes("/old/items/7"))

        mount = "/old" if self.tells_mount else ""
        assert recording.spans()[0].name == f"GET {mount}/items/<int:item>"

    def test_a_body_that_is_streamed_back_is_whole(self, recording: Recording) -> None:
        with serve_uvicorn(self.adapt(shop())) as address:
            answer = answer_to(address, request_bytes("/echo", method="POST", content="hello"))

        span, statement = recording.spans()
        assert (b"hello" in answer, b"two" in answer) == (True, True)
        assert (span.name, statement.parent_id) == ("POST /echo", span.span_id)
        assert span.end >= statement.end

    def test_an_exception_is_the_request_s(self, recording: Recording) -> None:
        with serve_uvicorn(self.adapt(shop())) as address:
            assert b" 500 " in answer_to(address, request_bytes("/fail")).splitlines()[0]

        span = recording.span()
        assert (span.name, span.status, span.status_message) == (
            "GET /fail",
            "error",
            "nobody takes it",
        )
        assert [event.name for event in span.events] == ["exception"]
