"""What a server has received, as the HTTP server convention asks for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet
    from typing import Any

    # Names and values, as they are on the wire.
    Headers = Iterable[tuple[str, str]]
    # Method; scheme; the authority that the client asked for, as `host:port`; protocol version; the
    # other end of the connection, as `read_address` understands it; user agent. Texts may be bytes,
    # and None where the protocol does not tell.
    Caller = tuple[str, str | None, str | bytes | None, str | None, Any, str | bytes | None]

# The headers that callers and proxies add.
TRACES = ("traceparent", "baggage")
PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")


class HttpServerRequest:
    """What a server received; each protocol between servers and applications has its own kind.

    `caller` is what requests of one connection have in common, `path` and `query` are as on the
    wire. `is_continued` and `is_forwarded` tell whether it has headers of a trace, of a proxy: most
    have none, and need not be asked for each of them.
    """

    __slots__ = ("caller", "is_continued", "is_forwarded", "path", "query")

    caller: Caller
    path: str
    query: str
    is_continued: bool
    is_forwarded: bool

    def header(self, name: str) -> str | None:
        """Look a header up by its lower-case name."""
        raise NotImplementedError

    def headers(self) -> Headers:
        """Give all of them, by their lower-case names."""
        raise NotImplementedError


class Marks:
    """The headers that callers and proxies add, as a protocol names them.

    Readers look for `all` of them at once, and ask further only where one is there: most requests
    have none.
    """

    __slots__ = ("all", "continued", "forwarded")

    def __init__(self, name_of: Callable[[str], object]) -> None:
        self.continued = frozenset(map(name_of, TRACES))
        self.forwarded = frozenset(map(name_of, PROXIES))
        self.all = self.continued | self.forwarded

    def tell(self, request: HttpServerRequest, names: AbstractSet[Any]) -> None:
        """Note on the request which kinds there are among the names of its headers."""
        request.is_continued = not names.isdisjoint(self.continued)
        request.is_forwarded = not names.isdisjoint(self.forwarded)


def read_text(value: str | bytes | None) -> str:
    """Return what the protocol has as text or bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""


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
