"""Plain applications under wsgiref."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler
from wsgiref.validate import validator

from contracts.http_server import HttpServerContract, hello
from contracts.wire import request_bytes
from contracts.wsgi_servers import serve_wsgiref

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pytest

    from contracts.http_server import Application
    from recording import Recording


class TestWsgiref(HttpServerContract):
    """One span per request that a handler runs an application for."""

    library = "wsgiref"
    knows_peer_port = False

    def serve(
        self, application: Application, *, threaded: bool = True
    ) -> AbstractContextManager[tuple[str, int]]:
        return serve_wsgiref(application, threaded=threaded)

    def result_of(self, application: Application, environ: dict[str, Any]) -> object:
        handler = Keeping(environ)
        handler.run(application)
        return handler.kept

    def test_an_application_that_wsgiref_validates_stays_valid(
        self, recording: Recording, capfd: pytest.CaptureFixture[str]
    ) -> None:
        answer = self.ask(validator(hello), request_bytes())

        assert answer.endswith(b"hello")
        assert recording.span().attributes["http.response.status_code"] == 200
        assert capfd.readouterr().err == ""


class Keeping(SimpleHandler):
    """A handler that shows what the application returned."""

    result: Any

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ["wsgi.input"], BytesIO(), environ["wsgi.errors"], environ)

    def finish_response(self) -> None:
        self.kept = self.result
        super().finish_response()
