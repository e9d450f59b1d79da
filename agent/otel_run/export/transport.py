"""OTLP over HTTP/1.1 (opentelemetry-proto, docs/specification.md): one request, one reply.

Both are written and read by hand: the connections of `http.client` are what instrumentation and
test doubles replace, and telemetry belongs into neither. No proxy is used.
"""

from __future__ import annotations

from time import monotonic

from otel_run import __version__
from otel_run.export.connection import Connection, SecureConnection
from otel_run.export.reply_reader import read_reply

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


class Transport:
    """Sends to one endpoint, over a connection that is kept open."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._secure, self._host, self._port, target = _parts(endpoint.url)
        self._head = _head(endpoint, target)
        self._connection: Connection | None = None
        self._context: ssl.SSLContext | None = None
        self._interrupted = False
        self._addresses: list[Any] = []
        self.may_look_up = True  # a name server can take for ever

    def load(self) -> None:
        """Import all that sending needs, so that nothing is left to import later."""
        import _socket  # noqa: F401

        if self._secure:
            import ssl  # noqa: F401
        if self._endpoint.compression == "gzip":
            import zlib  # noqa: F401

    def send(self, payload: bytes, deadline: float | None = None) -> Reply:
        """POST a payload, all of it before `deadline` (by `monotonic`) and the endpoint's time-out.

        Raises OSError where no reply comes of it, Interrupted after `interrupt`.
        """
        timeout = self._endpoint.timeout
        if timeout is not None:
            until = monotonic() + timeout
            deadline = until if deadline is None else min(until, deadline)
        try:
            return self._send(payload, deadline)
        except Exception:
            self.close()
            if self._interrupted:
                raise Interrupted("interrupted") from None
            raise

    def interrupt(self) -> None:
        """From another thread: abort the request under way, and any other until `resume`."""
        self._interrupted = True
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    def resume(self) -> None:
        """Take requests again."""
        self._interrupted = False

    def abandon(self) -> None:
        """In a forked child: let go of the parent's connection, which goes on without us."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()
        self.resume()

    def close(self) -> None:
        """End the connection; the next request opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _send(self, payload: bytes, deadline: float | None) -> Reply:
        kept = self._connection
        if kept is not None and kept.is_open():
            try:
                return self._exchange(kept, payload, deadline)
            except TimeoutError:
                raise
            except OSError:
                # The server may have closed it since; what it began to answer is not sent again.
                if kept.has_received or self._interrupted:
                    raise
        self.close()
        return self._exchange(self._open(deadline), payload, deadline)

    def _exchange(self, connection: Connection, payload: bytes, deadline: float | None) -> Reply:
        connection.deadline = deadline
        connection.has_received = False
        content = self._compress(payload)
        connection.send(b"%s%d\r\n\r\n%s" % (self._head, len(content), content))
        reply = read_reply(connection.receive)
        if not reply.keeps_open:
            self.close()
        return reply

    def _compress(self, payload: bytes) -> bytes:
        if self._endpoint.compression != "gzip":
            return payload
        import zlib

        stream = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
        return stream.compress(payload) + stream.flush()

    def _open(self, deadline: float | None) -> Connection:
        """Connect to the first of the host's addresses that answers; each has an equal share."""
        import _socket

        if self._secure and self._context is None:
            self._context = _make_context(self._endpoint)
        addresses = self._find_addresses()
        failure = OSError("the host has no address")
        for place, (family, kind, protocol, _, address) in enumerate(addresses):
            now = monotonic()
            until = deadline and now + (deadline - now) / (len(addresses) - place)
            try:
                connection = self._connect(_socket.socket(family, kind, protocol), address, until)
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
    """Return what TLS needs; raise OSError, with a word for the user, where a file is no good."""
    import ssl

    file = endpoint.certificate
    try:
        context = ssl.create_default_context(cafile=file or None)
        file = endpoint.client_certificate
        if file:
            context.load_cert_chain(file, endpoint.client_key or None)
    except OSError as error:
        raise OSError(f"the certificate {file} cannot be used: {error.strerror or error}") from None
    return context
