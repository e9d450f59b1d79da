"""A server that speaks whatever a test wants, one connection after another."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from closed_port import closed_port
from otel_run.export.connection import LOOK

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    Talk = Callable[["RawServer", socket.socket], None]


class RawServer:
    """Hands each connection on loopback to `talk`; `requests` are the bodies that it read."""

    def __init__(self, talk: Talk, tls: ssl.SSLContext | None = None) -> None:
        self.talk = talk
        self.tls = tls
        self.closing = threading.Event()
        self.connections = 0
        self.requests: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve)

    @property
    def url(self) -> str:
        """Where a client finds it."""
        scheme, host = ("https", "localhost") if self.tls else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.listener.getsockname()[1]}/v1/traces"

    def serve(self) -> None:
        """Talk to one client after another, until closed."""
        while True:
            connection, _ = self.listener.accept()
            with connection, contextlib.suppress(OSError):
                if self.closing.is_set():
                    return
                self.connections += 1
                self.greet(connection)

    def greet(self, connection: socket.socket) -> None:
        """Talk to one client, in the clear or not; the clients' mistakes are their own."""
        if self.tls is None:
            self.talk(self, connection)
        else:
            with self.tls.wrap_socket(connection, server_side=True) as secure:
                self.talk(self, secure)
                secure.settimeout(0)  # say goodbye, but do not wait for the client's
                secure.unwrap()

    def read_request(self, connection: socket.socket) -> None:
        """Read one request, and keep its body."""
        with connection.makefile("rb") as stream:
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if not line:
                    raise ConnectionError
                if line.startswith(b"content-length:"):
                    length = int(line.split()[1])
            self.requests.append(stream.read(length))


@contextlib.contextmanager
def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Serve while the `with` statement lasts."""
    server = RawServer(talk, tls)
    server.thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        socket.create_connection(server.listener.getsockname()).close()
        server.thread.join()
        server.listener.close()


def answer(content: bytes) -> Talk:
    """Answer one request of each connection with these bytes, and hang up."""

    def talk(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(content)

    return talk


def dawdle(content: bytes) -> Talk:
    """Answer one request, and take more than a moment over reading it."""

    def talk(server: RawServer, connection: socket.socket) -> None:
        server.closing.wait(3 * LOOK)
        server.read_request(connection)
        connection.sendall(content)

    return talk


def drip(beginning: bytes) -> Talk:
    """Answer with these bytes, then with a byte at a time for as long as the client listens."""

    def talk(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(beginning)
        while not server.closing.wait(0.02):
            connection.sendall(b"x")

    return talk


def pour(beginning: bytes) -> Talk:
    """Answer with these bytes, then with more than anyone wants to read."""

    def talk(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(beginning)
        while not server.closing.is_set():
            connection.sendall(b"x" * 65536)

    return talk


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """Give the URL of a port that neither accepts nor refuses: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces"


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """Give the URL of a port where nobody listens, and nobody will."""
    with closed_port() as port:
        yield f"http://127.0.0.1:{port}/v1/traces"
