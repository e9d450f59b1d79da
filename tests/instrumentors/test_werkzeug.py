"""Plain applications under Werkzeug's development server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug import serving
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from contracts.http_server import HttpServerContract, hello, ignoring, streaming
from contracts.wire import Wire, request_bytes
from contracts.wsgi_servers import serve_werkzeug

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from contracts.http_server import Application
    from recording import Recording


class TestWerkzeug(HttpServerContract):
    """One span per request that the server receives."""

    library = "werkzeug"
    knows_peer_port = True

    def serve(
        self, application: Application, *, threaded: bool = True
    ) -> AbstractContextManager[tuple[str, int]]:
        return serve_werkzeug(application, threaded=threaded)

    def result_of(self, application: Application, environ: dict[str, Any]) -> object:
        server = serving.make_server("127.0.0.1", 0, application)
        server.server_close()
        return server.app(environ, ignoring)

    def test_the_connection_is_the_proxy_s_and_the_client_whom_the_proxy_tells_of(
        self, recording: Recording
    ) -> None:
        application = ProxyFix(hello, x_for=1, x_proto=1, x_host=1)
        request = request_bytes(**{"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"})
        with self.serve(application) as address, Wire(address) as wire:
            wire.send(request)
            port = wire.port
            wire.rest()

        assert recording.span().attributes == self.expected(
            port, client__address="203.0.113.9", url__scheme="https"
        )

    def test_werkzeug_s_own_request_and_response_work_as_before(self, recording: Recording) -> None:
        @Request.application
        def application(request: Request) -> Response:
            return Response(f"{request.method} {request.args['a']}")

        answer = self.ask(application, request_bytes("/?a=b"))

        assert answer.endswith(b"GET b")
        assert recording.span().attributes["url.query"] == "a=b"

    def test_an_application_that_no_server_serves_has_no_span(self, recording: Recording) -> None:
        assert Client(streaming).get("/").data == b"onetwo"

        assert recording.spans() == []
