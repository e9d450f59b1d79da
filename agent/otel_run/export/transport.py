"""OTLP over HTTP/1.1 (opentelemetry-proto, docs/specification.md): one request, one reply.

Both are written and read by hand: the connections of `http.client` are what instrumentation and
test doubles replace, and telemetry belongs into neither. No proxy is used.
"""

from __future__ import annotations

import os
import sys

from otel_run import __version__
from otel_run.export.connection import Connection, Paused, SecureConnection
from otel_run.export.descriptor import make_socket
from otel_run.export.reply_reader import read_reply
from otel_run.native import time
from otel_run.shadow import FOR_GZIP, FOR_TLS, explain, find_shadow

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from _socket import socket
    from typing import Any

    from otel_run.export.reply_reader import Reply
    from otel_run.settings import Endpoint

USER_AGENT = f"otel-run/{__version__} (python)"

# What a request says of itself, whatever headers the settings ask for.
OWN_HEADERS = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})

# As zlib's documentation has it: a gzip header and the largest window. Telemetry repeats itself
# so much that the fastest level is nearly as small as the best.
GZIP_WINDOW = 31
GZIP_LEVEL = 1


class Interrupted(OSError):  # noqa: N818  it is no error
    """Another thread has asked for it."""


class Awaited:
    """A payload that was sent, and the pieces of its reply that have come so far."""

    __slots__ = ("payload", "pieces")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.pieces: list[bytes] = []


class Transport:
    """Sends to one endpoint, over a connection that is kept open."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._secure, self._host, self._port, target = _parts(endpoint.url)
        self._head = _head(endpoint, target)
        self._connection: Connection | None = None
        self._context: ssl.SSLContext | None = None
        self._interrupted = False
        self._is_paused = False
        self._awaited: Awaited | None = None
        self._addresses: list[Any] = []
        self._shadow = ""
        self.may_look_up = True  # a name server can take for ever

    def load(self) -> None:
        """Import all that sending needs, so that nothing is left to import later."""
        import _socket  # noqa: F401

        is_compressed = self._endpoint.compression == "gzip"
        self._shadow = find_shadow(self._secure * FOR_TLS + is_compressed * FOR_GZIP)
        if self._shadow:
            return
        if self._secure:
            import ssl  # noqa: F401
        if is_compressed:
            import zlib  # noqa: F401

    def send(self, payload: bytes, deadline: float | None = None) -> Reply:
        """POST a payload, all of it before `deadline` (by `monotonic`) and the endpoint's time-out.

        Raises OSError where no reply comes of it, Interrupted after `interrupt` and `pause`. What
        a pause has left without its reply is not sent again, but its reply waited for.
        """
        timeout = self._endpoint.timeout
        if timeout is not None:
            until = time.monotonic() + timeout
            deadline = until if deadline is None else min(until, deadline)
        try:
            return self._send(payload, deadline)
        except Paused:
            if self._awaited is None:
                self.close()  # it was about to connect
            raise Interrupted("paused") from None
        except Exception:
            self.close()
            if self._interrupted:
                raise Interrupted("interrupted") from None
            raise

    def interrupt(self) -> None:
        """From another thread: abort the request under way, and any other until `resume`.

        A reply that a pause is about to leave is spared: its request would be sent again.
        """
        self._interrupted = True
        connection = self._connection
        if connection is not None and not (self._is_paused and self._awaited):
            connection.interrupt()

    def pause(self) -> None:
        """From another thread: begin nothing until `resume`, and leave the reply for later."""
        self._is_paused = True
        connection = self._connection
        if connection is not None:
            connection.is_paused = True

    def resume(self) -> None:
        """Take requests again."""
        self._interrupted = self._is_paused = False
        if self._connection is not None:
            self._connection.is_paused = False

    def abandon(self) -> None:
        """In a forked child: let go of the parent's connection, which goes on without us."""
        self._awaited = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()
        self.resume()

    def close(self) -> None:
        """End the connection; the next request opens another."""
        self._awaited = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _send(self, payload: bytes, deadline: float | None) -> Reply:
        if self._is_paused:
            raise Paused
        if self._awaited is not None and self._awaited.payload is not payload:
            self.close()  # nobody waits for that reply any more
        kept = self._connection
        if kept is not None:
            try:
                return self._exchange(kept, payload, deadline)
            except TimeoutError:
                raise
            except OSError:
                # The server or the program may have closed it since; what was begun to be answered
                # is not sent again.
                if self._has_answered or self._interrupted:
                    raise
        self.close()
        return self._exchange(self._open(deadline), payload, deadline)

    @property
    def _has_answered(self) -> bool:
        return self._awaited is not None and any(self._awaited.pieces)

    def _exchange(self, connection: Connection, payload: bytes, deadline: float | None) -> Reply:
        connection.deadline = deadline
        awaited = self._awaited
        if awaited is None:
            content = self._compress(payload)
            connection.send(b"%s%d\r\n\r\n" % (self._head, len(content)), content)
            awaited = self._awaited = Awaited(payload)
        reply = self._receive(connection, awaited)
        self._awaited = None
        if not reply.keeps_open:
            self.close()
        return reply

    def _receive(self, connection: Connection, awaited: Awaited) -> Reply:
        """Read the reply from its beginning, which may have come before a pause."""
        come = iter(tuple(awaited.pieces))

        def receive() -> bytes:
            piece = next(come, None)
            if piece is None:
                piece = connection.receive()
                awaited.pieces.append(piece)
            return piece

        return read_reply(receive)

    def _compress(self, payload: bytes) -> bytes:
        if self._endpoint.compression != "gzip":
            return payload
        import zlib

        stream = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
        return stream.compress(payload) + stream.flush()

    def _open(self, deadline: float | None) -> Connection:
        """Connect to the first of the host's addresses that answers; each has an equal share."""
        if self._shadow:
            raise OSError(explain(self._shadow))
        if self._secure and self._context is None:
            self._context = _make_context(self._endpoint)
        addresses = self._find_addresses()
        failure = OSError("the host has no address")
        for place, (family, kind, protocol, _, address) in enumerate(addresses):
            now = time.monotonic()
            until = deadline and now + (deadline - now) / (len(addresses) - place)
            try:
                connection = self._connect(make_socket(family, kind, protocol), address, until)
            except OSError as error:
                self.close()
                failure = error
            else:
                connection.deadline = deadline
                return connection
        raise failure

    def _find_addresses(self) -> list[Any]:
        """Look the host up, or make do with what is known where that may take for ever."""
        import _socket

        # As bytes, the name needs no codec, which would have to be imported.
        host, flags = self._host.encode(), 0
        if not self.may_look_up:
            if self._addresses:
                return self._addresses
            flags = _socket.AI_NUMERICHOST
            if host == b"localhost":
                host = b"127.0.0.1"
        self._addresses = _socket.getaddrinfo(host, self._port, 0, _socket.SOCK_STREAM, 0, flags)
        return self._addresses

    def _connect(self, socket: socket, address: object, until: float | None) -> Connection:
        if self._context is None:
            connection = Connection(socket)
        else:
            connection = SecureConnection(socket, self._context, self._host)
        # From here on `interrupt` finds it; what came before is seen here.
        self._connection = connection
        if self._interrupted:
            raise Interrupted("interrupted")
        connection.is_paused = self._is_paused
        connection.deadline = until
        connection.connect(address)
        return connection


def _parts(url: str) -> tuple[bool, str, int, str]:
    """Split an absolute URL into: whether it is https, host, port, path with query."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    host, colon, port = authority.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = authority, ""
    secure = scheme == "https"
    return secure, host.strip("[]"), int(port or (443 if secure else 80)), slash + path or "/"


def _head(endpoint: Endpoint, target: str) -> bytes:
    """Return a request's bytes up to the value of its last header, which is the length."""
    headers = {"host": endpoint.url.split("/")[2], "user-agent": USER_AGENT}
    given = {name.lower(): value for name, value in endpoint.headers}
    headers |= {name: value for name, value in given.items() if name not in OWN_HEADERS}
    headers["content-type"] = "application/x-protobuf"
    if endpoint.compression == "gzip":
        headers["content-encoding"] = "gzip"
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "content-length: "]).encode("latin-1")


def _make_context(endpoint: Endpoint) -> ssl.SSLContext:
    """Return what TLS needs; raise OSError, in words for the user, where a file is no good."""
    name, doubt = "certificate", "is it a PEM file?"
    try:
        context = _trust(endpoint.certificate)
        if endpoint.client_key:
            # Beforehand: what fails to load the two does not say which one it was.
            name = "client_key"
            os.close(os.open(endpoint.client_key, os.O_RDONLY))
        if endpoint.client_certificate:
            name, doubt = "client_certificate", "is it a PEM file? is the key its own?"
            context.load_cert_chain(endpoint.client_certificate, endpoint.client_key or None)
    except OSError as error:
        variable = f"OTEL_EXPORTER_OTLP_{name.upper()}={getattr(endpoint, name)!r}"
        # Only what TLS itself says of a file has a library.
        advice = f" ({doubt})" if hasattr(error, "library") else ""
        reason = f"{error.strerror or error}{advice}"
        raise OSError(f"{variable} cannot be used: {reason}") from None
    return context


def _trust(file: str) -> ssl.SSLContext:
    """Return what `ssl.create_default_context` does, without the setters of its class.

    They look for their class in `ssl`, where eventlet replaces it for a moment at each connection
    of the program's: one that is called after that on what was made before it calls itself.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.version_info >= (3, 13):
        import _ssl

        flags: Any = _ssl._SSLContext.verify_flags  # noqa: SLF001
        strict = ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
        flags.__set__(context, flags.__get__(context) | strict)
    if file:
        context.load_verify_locations(file)
    else:
        context.load_default_certs()
    return context
