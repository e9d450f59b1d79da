"""An OTLP/HTTP collector that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import contextlib
import gzip
import math
import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from conformance.registry import check_metric, check_span
from otlp import Log, Metric, Span, logs_in, metrics_in, spans_in

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from google.protobuf.message import Message
    from typing_extensions import Self

SERVICES: dict[str, type[Message]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True)
class Answer:
    """What one request is answered with, `delay` seconds after it has been read.

    A delay of `math.inf` answers never, a status of 0 hangs up without an answer.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0


@dataclass(frozen=True)
class Request:
    """One request as it arrived; header names in lower case, the body as on the wire."""

    path: str
    headers: dict[str, str]
    body: bytes
    answer: Answer

    @property
    def content(self) -> bytes:
        """The body without its compression."""
        return gzip.decompress(self.body) if "content-encoding" in self.headers else self.body

    @property
    def message(self) -> Message:
        """The export request of the path's signal; raises where the body is not one."""
        return SERVICES[self.path].FromString(self.content)


class Collector:
    """Receives while the `with` statement lasts; what it refused does not count as received."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.closing = threading.Event()
        self.changed = threading.Condition()
        self.answers: list[Answer] = []
        self.tls = tls
        self.server = Server(self)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        scheme, host = ("https", "localhost") if self.tls else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.server.server_port}"

    def script(self, *answers: Answer) -> None:
        """Give the next requests these answers, and those after them 200 again."""
        with self.changed:
            self.answers.extend(answers)

    def spans(self) -> list[Span]:
        """All spans received, in the order of arrival."""
        found = [span for message in self.received("/v1/traces") for span in spans_in(message)]
        for span in found:
            check_span(span)
        return found

    def metrics(self) -> list[Metric]:
        """All metrics received, in the order of arrival, one entry an export."""
        found = [one for message in self.received("/v1/metrics") for one in metrics_in(message)]
        for metric in found:
            check_metric(metric)
        return found

    def logs(self) -> list[Log]:
        """All log records received, in the order of arrival."""
        return [log for message in self.received("/v1/logs") for log in logs_in(message)]

    def received(self, path: str) -> list[Any]:
        """The export requests that were accepted for one signal."""
        with self.changed:
            requests = list(self.requests)
        return [
            request.message
            for request in requests
            if request.path == path and 200 <= request.answer.status < 300
        ]

    def wait_for(self, predicate: Callable[[Collector], object], timeout: float = 60.0) -> None:
        """Return once the predicate holds, which is asked again after each request."""
        with self.changed:
            if not self.changed.wait_for(lambda: predicate(self), timeout):
                paths = [request.path for request in self.requests]
                raise AssertionError(f"not within {timeout} s; requests so far: {paths}")

    def take(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Keep a request and say what to answer."""
        with self.changed:
            answer = self.answers.pop(0) if self.answers else Answer()
            self.requests.append(Request(path, headers, body, answer))
            self.changed.notify_all()
        return answer

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up on everybody and stop listening."""
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.hang_up()
        self.server.server_close()


class Server(ThreadingHTTPServer):
    """Knows its open connections, so that it can end those that are kept alive."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, collector: Collector) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.collector = collector
        self.open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept; with TLS the handshake is left to the connection's own thread."""
        connection, address = super().get_request()
        tls = self.collector.tls
        if tls is not None:
            connection = tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self.collector.connections += 1
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """End one connection."""
        self.open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End all connections, so that no thread is left that reads from one."""
        for connection in tuple(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client may hang up whenever it likes; anything else is a mistake of this file."""
        if not isinstance(sys.exc_info()[1], OSError):
            raise  # noqa: PLE0704 (socketserver calls this while it handles the error)


class Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Take an export request."""
        collector = self.server.collector
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = collector.take(self.path, headers, body)
        if answer.delay:
            collector.closing.wait(None if answer.delay == math.inf else answer.delay)
        if answer.status == 0 or collector.closing.is_set():
            self.close_connection = True
        else:
            self.reply(answer)

    def reply(self, answer: Answer) -> None:
        """Send an answer, as protobuf unless its headers say otherwise."""
        self.send_response(answer.status)
        headers = {"content-type": "application/x-protobuf", "content-length": len(answer.body)}
        for name, value in (headers | answer.headers).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the stdlib)
        """Write nothing into the test's output."""
