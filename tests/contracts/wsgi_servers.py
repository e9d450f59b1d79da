"""Real WSGI servers in threads; whatever they serve has been served when they are left."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from waitress.server import create_server
from waitress.wasyncore import close_all, loop
from werkzeug import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the stdlib's name
        """Say nothing."""


class Threaded(ThreadingMixIn, WSGIServer):
    """A thread for each request."""


class QuietWerkzeug(serving.WSGIRequestHandler):
    """Speaks HTTP/1.1, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *arguments: object) -> None:  # noqa: A002  Werkzeug's name
        """Say nothing."""


@contextmanager
def running(server: Any) -> Iterator[tuple[str, int]]:
    """Serve until the end of the `with` statement, and wait for each thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield ("127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serve_wsgiref(
    application: Any, *, threaded: bool = True
) -> AbstractContextManager[tuple[str, int]]:
    """Serve with the standard library's server."""
    kind = Threaded if threaded else WSGIServer
    return running(make_server("127.0.0.1", 0, application, kind, Quiet))


def serve_werkzeug(
    application: Any, *, threaded: bool = True
) -> AbstractContextManager[tuple[str, int]]:
    """Serve with Werkzeug's development server."""
    server: Any = serving.make_server(
        "127.0.0.1", 0, application, threaded=threaded, request_handler=QuietWerkzeug
    )
    server.daemon_threads = False  # so that closing waits for them
    return running(server)


def waitress_server(application: Any, **adjustments: Any) -> Any:
    """A server of Waitress that does not run yet, as newer versions make it by default."""
    return create_server(
        application,
        host="127.0.0.1",
        port=0,
        clear_untrusted_proxy_headers=True,
        **adjustments,
    )


@contextmanager
def serve_waitress(application: Any, *, threaded: bool = True) -> Iterator[tuple[str, int]]:
    """Serve with Waitress."""
    sockets: dict[int, Any] = {}
    server = waitress_server(application, map=sockets, threads=4 if threaded else 1)
    ending = threading.Event()

    def serve() -> None:
        # As `server.run` does it, which nothing but the end of a process ends.
        while not ending.is_set():
            loop(timeout=20, map=sockets, count=1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield ("127.0.0.1", server.effective_port)
    finally:
        ending.set()
        server.trigger.pull_trigger()
        thread.join()
        server.task_dispatcher.shutdown()
        close_all(sockets)
