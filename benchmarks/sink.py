"""Receives telemetry in a process of its own: OTLP over HTTP, and what a Datadog agent is sent.

Prints its port, a free one unless it inherits a socket that has one: `python -m benchmarks.sink
[DESCRIPTOR]`. `GET /received` counts what came since the last time it was asked: only then is it
decoded, so that receiving stays cheap.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any, ClassVar

from benchmarks import counting

DATADOG_TRACES = ("/v0.4/traces", "/v0.5/traces")
DATADOG_AGENT = {
    "version": "7.70.0",
    "endpoints": [*DATADOG_TRACES, "/debugger/v1/input", "/debugger/v2/input"],
}
UNSUPPORTED_MEDIA_TYPE = 415


class Sink(BaseHTTPRequestHandler):
    """One connection of an exporter, or of whoever counts."""

    protocol_version = "HTTP/1.1"
    # Headers and body leave as two writes: the second would wait 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    received: ClassVar[list[tuple[str, bytes]]] = []

    def do_GET(self) -> None:
        """Say what a Datadog agent can, or what came."""
        if self.path == "/received":
            exports, Sink.received[:] = Sink.received[:], []
            self.answer(counted(exports))
        else:
            self.answer(DATADOG_AGENT)

    def do_POST(self) -> None:
        """Keep an export. A compressed one is refused: nothing is compared with compression."""
        body = self.body()
        if self.headers["Content-Encoding"]:
            self.answer({}, status=UNSUPPORTED_MEDIA_TYPE)
            return
        Sink.received.append((self.path, body))
        if "/v0." in self.path:
            self.answer({"rate_by_service": {}})
        else:
            self.answer(b"", content_type="application/x-protobuf")

    do_PUT = do_POST  # noqa: N815 # the name is http.server's

    def body(self) -> bytes:
        """Read the request's body, whole or in chunks."""
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def answer(
        self, content: object, *, status: int = 200, content_type: str = "application/json"
    ) -> None:
        """Answer with bytes as they are, anything else as JSON."""
        encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """Exporters may go without a word: what they sent is counted all the same."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what went wrong, unless it is only that."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def counted(exports: list[tuple[str, bytes]]) -> dict[str, int]:
    """Count all spans, and the points of the last metrics: these are cumulative."""
    metrics = [body for path, body in exports if path == "/v1/metrics"]
    return {
        "spans": sum(spans_in(path, body) for path, body in exports),
        "points": sum(map(counting.durations_in_otlp, metrics[-1:])),
    }


def spans_in(path: str, body: bytes) -> int:
    """Spans in one export, by where it was sent."""
    if path == "/v1/traces":
        return counting.spans_in_otlp(body)
    if path in DATADOG_TRACES:
        return counting.spans_in_datadog(path, body)
    return 0


def serve(*descriptor: str) -> None:
    """Serve until the process is ended."""
    if descriptor:
        server = Server(("127.0.0.1", 0), Sink, bind_and_activate=False)
        server.socket = socket(fileno=int(*descriptor))
        server.server_port = server.socket.getsockname()[1]
        server.server_activate()
    else:
        server = Server(("127.0.0.1", 0), Sink)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    serve(*sys.argv[1:])
