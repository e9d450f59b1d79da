"""What a server has received, as the HTTP server convention asks for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    # Names and values, as they are on the wire.
    Headers = Iterable[tuple[str, str]]


class HttpServerRequest:
    """What a server received; each protocol between servers and applications has its own kind.

    `host` is the authority that the client asked for, as `host:port`; `peer_address` and
    `peer_port` are the other end of the connection. `path` and `query` are as on the wire.
    `user_agent` is "" where the client does not say. `is_continued` and `is_forwarded` tell whether
    it has headers of a trace, of a proxy: most have none, and need not be asked for each of them.
    """

    __slots__ = (
        "host",
        "is_continued",
        "is_forwarded",
        "method",
        "path",
        "peer_address",
        "peer_port",
        "query",
        "scheme",
        "user_agent",
        "version",
    )

    method: str
    scheme: str
    host: str
    path: str
    query: str
    version: str
    peer_address: str
    peer_port: int
    user_agent: str
    is_continued: bool
    is_forwarded: bool

    def header(self, name: str) -> str | None:
        """Look a header up by its lower-case name."""
        raise NotImplementedError

    def headers(self) -> Headers:
        """Give all of them, by their lower-case names."""
        raise NotImplementedError
