"""What a server has received, as the HTTP server convention asks for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    # Names and values, as they are on the wire.
    Headers = Iterable[tuple[str, str]]


class HttpServerRequest:
    """What a server received; each protocol between servers and applications has its own kind.

    `host` is the authority that the client asked for, as `host:port`; `client` is the other end of
    the connection as the protocol has it, which `read_address` understands; or None. `path` and
    `query` are as on the wire. `user_agent` is "" where the client does not say. `is_continued` and
    `is_forwarded` tell whether it has headers of a trace, of a proxy: most have none, and need not
    be asked for each of them.
    """

    __slots__ = (
        "client",
        "host",
        "is_continued",
        "is_forwarded",
        "method",
        "path",
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
    client: tuple[Any, ...] | None
    user_agent: str
    is_continued: bool
    is_forwarded: bool

    def header(self, name: str) -> str | None:
        """Look a header up by its lower-case name."""
        raise NotImplementedError

    def headers(self) -> Headers:
        """Give all of them, by their lower-case names."""
        raise NotImplementedError


def read_address(client: tuple[Any, ...] | None) -> tuple[str, int]:
    """Return address and port, 0 where it is not known; "" for what is no address of a network.

    Ports come as text, too; older versions of granian write `127.0.0.1:8000`, and `[::1]:8000`;
    test clients have a name instead.
    """
    address, port = client[:2] if client else ("", 0)
    if type(address) is not str:
        return "", 0
    if not port and (address.startswith("[") or address.count(":") == 1):
        address, _, port = address.rpartition(":")
        address = address.strip("[]")
    if not (address[-1:].isdigit() or ":" in address):
        return "", 0
    return address, int(port) if port and str(port).isdigit() else 0
