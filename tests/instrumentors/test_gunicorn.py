"""Plain applications under the workers of Gunicorn."""

from __future__ import annotations

import importlib
import socket
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from gunicorn.workers.base import Worker
from gunicorn.workers.sync import SyncWorker

from contracts.gunicorn_server import KINDS, THREADS, Sync, Threaded, release, serving, worker_of
from contracts.http_server import HttpServerContract, hello, ignoring, minimal_environ
from contracts.wire import Wire, answer_to, request_bytes

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from contracts.http_server import Application
    from recording import Recording


class GunicornContract(HttpServerContract):
    """One span per request that a worker receives."""

    library = "gunicorn"
    knows_peer_port = True

    def patch(self) -> None:
        # Older versions have no worker of ASGI.
        for module in self.instrumentor.modules:
            if find_spec(module):
                importlib.import_module(module)
                self.instrumentor.patch(module)

    def result_of(self, application: Application, environ: dict[str, Any]) -> object:
        return loaded(SyncWorker, application)(environ, ignoring)

    def test_a_client_that_hangs_up_within_its_body_is_no_error(self, recording: Recording) -> None:
        ended = threading.Event()

        def application(environ: Any, _: Any) -> list[bytes]:
            try:
                return [environ["wsgi.input"].read()]
            finally:
                ended.set()

        with self.serve(application) as address:
            with Wire(address) as wire:
                wire.send(request_bytes("/", "POST", transfer_encoding="chunked") + b"5\r\nhel")
            assert ended.wait(20)

        span = recording.span()
        assert (span.name, span.status, span.events) == ("POST", "unset", [])

    def test_an_application_that_has_had_the_connection_for_itself_is_no_error(
        self, recording: Recording
    ) -> None:
        def application(environ: Any, _: Any) -> list[bytes]:
            environ["gunicorn.socket"].sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            raise StopIteration

        with self.serve(application) as address:
            answer = answer_to(address, request_bytes())

        span = recording.span()
        assert answer == b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
        assert (span.name, span.status, span.events) == ("GET", "unset", [])


class TestSyncWorker(GunicornContract):
    """Workers that serve one request at a time."""

    def serve(
        self, application: Application, *, threaded: bool = True
    ) -> AbstractContextManager[tuple[str, int]]:
        return serving(Sync, THREADS if threaded else 1, application)


class TestThreadWorker(GunicornContract):
    """A worker that serves in a pool of threads."""

    def serve(
        self, application: Application, *, threaded: bool = True
    ) -> AbstractContextManager[tuple[str, int]]:
        return serving(Threaded if threaded else Sync, 1, application)


def loaded(kind: type[Any], application: Application) -> Any:
    """What a worker calls for each request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker = worker_of(kind, application, listener)
        worker.load_wsgi()
        release(worker)
    return worker.wsgi


@pytest.mark.parametrize("kind", KINDS)
def test_what_calls_an_application_as_wsgi_records_it(
    recording: Recording, kind: type[Any]
) -> None:
    application = loaded(kind, hello)

    assert application(minimal_environ(), ignoring) == [b"hello"]
    assert recording.span().scope == "otel_run_instrumentors.gunicorn"


def test_a_worker_of_another_protocol_gets_the_very_application(recording: Recording) -> None:
    class Uvicorn(Worker):
        """As Uvicorn's is, which serves ASGI."""

    assert loaded(Uvicorn, hello) is hello
    assert recording.spans() == []
