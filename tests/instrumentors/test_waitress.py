"""Plain applications under Waitress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.http_server import HttpServerContract, ignoring
from contracts.wsgi_servers import serve_waitress, waitress_server

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from contracts.http_server import Application


class TestWaitress(HttpServerContract):
    """One span per request that the server receives."""

    library = "waitress"
    knows_peer_port = True

    def serve(
        self, application: Application, *, threaded: bool = True
    ) -> AbstractContextManager[tuple[str, int]]:
        return serve_waitress(application, threaded=threaded)

    def result_of(self, application: Application, environ: dict[str, Any]) -> object:
        server = waitress_server(application)
        server.close()
        server.task_dispatcher.shutdown()
        return server.application(environ, ignoring)
