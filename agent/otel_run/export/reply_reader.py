"""Replies over HTTP/1.1 (RFC 9112), as far as a client needs them that only sends.

`http.client` would bring ssl and the parser of e-mail into the program, and take 200 µs a reply.
"""

from __future__ import annotations

from otel_run.export.retry_after import read_retry_after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    Receive = Callable[[], bytes]

# Bytes of a line, and lines of headers or trailers, that are read before giving up.
LONGEST_LINE = 1 << 16
MOST_LINES = 128

# Bytes of a body that are kept, and of a reply, its headers included, that are read.
KEPT_REPLY = 64 << 10
LONGEST_REPLY = 256 << 10

PROTOCOL: Final = b"HTTP/1."
WITHOUT_BODY: Final = frozenset({204, 304})
FINAL = 200

# Digits of a length that is believed.
LONGEST_NUMBER = 15
HEX_DIGITS: Final = b"0123456789abcdefABCDEF"


class NotHttpError(OSError):
    """What came is no reply over HTTP/1."""


class Reply:
    """Status, the first bytes of the body, and how many seconds to wait before the next request.

    `keeps_open` says whether the connection can carry another request.
    """

    __slots__ = ("body", "keeps_open", "retry_after", "status")

    def __init__(self, status: int, retry_after: float | None) -> None:
        self.status = status
        self.retry_after = retry_after
        self.body = b""
        self.keeps_open = False


def read_reply(receive: Receive) -> Reply:
    """Read one reply from what `receive` returns, piece after piece, b"" at the end.

    Raises NotHttpError, ConnectionError where the end comes first, and what `receive` raises; of
    a body that does not come, the status stands.
    """
    stream = Stream(receive)
    version, status = _read_status(stream)
    headers = _read_headers(stream)
    while status < FINAL:
        version, status = _read_status(stream)
        headers = _read_headers(stream)
    reply = Reply(status, read_retry_after(headers.get(b"retry-after")))
    try:
        has_end = status in WITHOUT_BODY or _read_body(stream, headers)
    except OSError:
        has_end = False
    reply.body = stream.kept
    reply.keeps_open = has_end and stream.is_empty and _is_persistent(version, headers)
    return reply


class Stream:
    """Bytes as they are needed, at most LONGEST_REPLY; `kept` is the beginning of the body."""

    __slots__ = ("_at", "_bytes", "_receive", "_received", "kept")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._received = 0
        self._bytes = b""
        self._at = 0
        self.kept = b""

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come beyond what was read."""
        return self._at == len(self._bytes)

    def line(self) -> bytes:
        """Read to the end of a line, which is not returned."""
        looked = self._at
        while (end := self._bytes.find(b"\n", looked)) < 0:
            seen = len(self._bytes) - self._at
            if seen > LONGEST_LINE:
                raise NotHttpError("a line is too long")
            if not self._fill():
                raise ConnectionResetError("closed before the end of the reply")
            looked = seen
        line = self._bytes[self._at : end]
        self._at = end + 1
        return line.removesuffix(b"\r")

    def starts_with(self, prefix: bytes) -> bool:
        """Whether this is what comes next, as soon as it cannot be any more."""
        while prefix.startswith(found := self._bytes[self._at : self._at + len(prefix)]):
            if found == prefix:
                return True
            if not self._fill():
                if self._received:
                    return False
                raise ConnectionResetError("closed without a reply")
        return False

    def take(self, count: int) -> None:
        """Read so many bytes of the body."""
        while count:
            if self.is_empty and not self._fill():
                raise ConnectionResetError("closed before the end of the body")
            count -= self._keep(count)

    def take_all(self) -> None:
        """Read the body until the connection is closed."""
        self._keep(LONGEST_REPLY)
        while self._fill():
            self._keep(LONGEST_REPLY)

    def _keep(self, most: int) -> int:
        """Move up to so many bytes on; return how many there were."""
        found = self._bytes[self._at : self._at + most]
        self._at += len(found)
        if len(self.kept) < KEPT_REPLY:
            self.kept += found[: KEPT_REPLY - len(self.kept)]
        return len(found)

    def _fill(self) -> bool:
        piece = self._receive()
        self._received += len(piece)
        if self._received > LONGEST_REPLY:
            raise NotHttpError("the reply is too long")
        self._bytes = self._bytes[self._at :] + piece
        self._at = 0
        return bool(piece)


def _read_status(stream: Stream) -> tuple[bytes, int]:
    """Read `HTTP/1.1 200 OK`; return the minor version and the status."""
    if not stream.starts_with(PROTOCOL):
        raise NotHttpError("it does not begin as HTTP/1 does")
    version, _, rest = stream.line()[len(PROTOCOL) :].partition(b" ")
    code, _, _ = rest.partition(b" ")
    if not (version.isdigit() and len(code) == 3 and code.isdigit() and code >= b"100"):  # noqa: PLR2004  digits
        raise NotHttpError("it has no status")
    return version, int(code)


def _read_headers(stream: Stream) -> dict[bytes, bytes]:
    """Read to the empty line; names in lower case, what comes twice joined by commas."""
    headers: dict[bytes, bytes] = {}
    for _ in range(MOST_LINES):
        line = stream.line()
        if not line:
            return headers
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip()
        headers[name] = headers[name] + b", " + value if name in headers else value
    raise NotHttpError("there are too many headers")


def _read_body(stream: Stream, headers: dict[bytes, bytes]) -> bool:
    """Read the body; return whether its end could be told (RFC 9112, section 6.3)."""
    coding, length = headers.get(b"transfer-encoding"), headers.get(b"content-length")
    if coding is not None and coding.lower().endswith(b"chunked"):
        _read_chunks(stream)
        return length is None
    if coding is None and length is not None and length.isdigit():
        stream.take(int(length) if len(length) <= LONGEST_NUMBER else LONGEST_REPLY)
        return True
    stream.take_all()
    return False


def _read_chunks(stream: Stream) -> None:
    while size := _read_size(stream):
        stream.take(size)
        if stream.line():
            raise NotHttpError("a chunk is longer than it said")
    _read_headers(stream)


def _read_size(stream: Stream) -> int:
    digits = stream.line().partition(b";")[0].strip()
    if not digits or len(digits) > LONGEST_NUMBER or digits.strip(HEX_DIGITS):
        raise NotHttpError("a chunk has no size")
    return int(digits, 16)


def _is_persistent(version: bytes, headers: dict[bytes, bytes]) -> bool:
    """Whether the server will take another request (RFC 9112, section 9.3)."""
    options = headers.get(b"connection", b"").lower().replace(b" ", b"").split(b",")
    return b"close" not in options and (version != b"0" or b"keep-alive" in options)
