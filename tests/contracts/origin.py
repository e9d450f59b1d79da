"""The server that client tests talk to: it notes what reaches it."""

from __future__ import annotations

import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

    from typing_extensions import Self


BASIC = 'Basic realm="shop"'
CHALLENGES = {
    "basic": BASIC,
    "digest": 'Digest realm="shop", nonce="0a1b2c", qop="auth", algorithm=MD5',
}


class Received:
    """A request as it arrived; header names in lower case, each with all its values."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.method = handler.command
        self.target = handler.path
        self.peer = handler.client_address
        self.body = body
        self.headers: dict[str, list[str]] = {}
        for name, value in handler.headers.items():
            self.headers.setdefault(name.lower(), []).append(value)


class Origin:
    """An HTTP/1.1 server on loopback, with TLS as `localhost`.

    `/status/418` answers with that status, `/redirect/2` leads to `/redirect/1` and so on to `/ok`,
    `/redirect/drop` to `/drop`, `/redirect/to/8080` to that port of the same address, and
    `/moved/ok` to `/ok` with the same method and body. `/digest` and `/basic` are for who answers
    their challenge, `/refused` challenges whoever comes.
    `/empty` has no body,
    `/stream` waits for `release` between two chunks, `/hang` for it before anything, `/drop` closes
    the connection without an answer, and `/abort` resets it. All else is `200`, `ok`.
    `arrived` is set when something did.
    """

    def __init__(self, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.release = threading.Event()
        self.arrived = threading.Event()
        origin = self

        class Handler(OriginHandler):
            def note(self, body: bytes) -> None:
                origin.received.append(Received(self, body))
                origin.arrived.set()

            def wait(self) -> None:
                origin.release.wait(30)

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing of clients that hang up."""

        self._server = Server((address, 0), Handler)
        self._server.daemon_threads = False
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https" if tls else "http"
        self.address = address
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def url(self, target: str = "/ok", userinfo: str = "") -> str:
        """The URL of something on this server."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        if self.scheme == "https":
            host = "localhost"
        return f"{self.scheme}://{userinfo}{host}:{self.port}{target}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class OriginHandler(BaseHTTPRequestHandler):
    """Answers any method."""

    protocol_version = "HTTP/1.1"
    timeout = 10  # seconds; a client that keeps its connection must not keep the test
    disable_nagle_algorithm = True  # a response is two writes

    def note(self, body: bytes) -> None:
        """Keep the request."""
        raise NotImplementedError

    def wait(self) -> None:
        """Wait until the test says so."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        """Do what the path asks for."""
        self.note(self.body())
        what, _, argument = self.path.partition("?")[0].strip("/").partition("/")
        if self.command == "CONNECT":
            self.send_response(200)
            self.end_headers()
            self.close_connection = False
        elif what == "redirect":
            self.reply(302, b"", location=self.onward(argument))
        elif what == "moved":
            self.reply(307, b"", location=f"/{argument}")
        elif what == "refused" or (what in CHALLENGES and not self.headers["authorization"]):
            self.reply(401, b"", **{"www-authenticate": CHALLENGES.get(what, BASIC)})
        elif what == "empty":
            self.reply(200, b"")
        elif what == "stream":
            self.stream()
        elif what == "drop":
            self.close_connection = True
        elif what == "abort":
            self.abort()
        elif what == "hang":
            self.wait()
            self.close_connection = True
        else:
            self.reply(int(argument) if what == "status" and argument.isdigit() else 200, b"ok")

    def abort(self) -> None:
        """Let TCP reset the connection; what lingers would be sent before that."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
        self.close_connection = True

    def body(self) -> bytes:
        """Read what came with the request."""
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            """Leave out what trails."""
        return body

    def onward(self, argument: str) -> str:
        """Where a redirect leads."""
        if argument.startswith("to/"):
            return f"http://{self.headers['host'].rpartition(':')[0]}:{argument[3:]}/ok"
        if argument.isdigit():
            return f"/redirect/{int(argument) - 1}" if int(argument) > 1 else "/ok"
        return f"/{argument}"

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole response."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def stream(self) -> None:
        """Send two chunks, the second when the test says so."""
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\r\none\r\n")
        self.wait()
        self.wfile.write(b"3\r\ntwo\r\n0\r\n\r\n")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the stdlib's name
        """Say nothing."""
