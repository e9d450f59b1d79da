"""What a server has received, as it came and as the HTTP server convention understands it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    # Names and values, as they are on the wire.
    Headers = Iterable[tuple[str, str]]
    # Looks a header up by its lower-case name.
    Header = Callable[[str], str | None]
    # Method, scheme, host, version, address and port of the peer, user agent. The host is the
    # authority that the client asked for, as `host:port`; the peer is the other end of the
    # connection. What is not known is "", or 0.
    HttpServerRequest = tuple[str, str, str, str, str, int, str]
    # What was received; how to look up its headers, None where it has none of a trace or of a
    # proxy: most have none, and need not be asked for each of them; and whether it has a proxy's.
    Reading = tuple["Received", Header | None, bool]

    Parts = tuple[Any, ...]
else:
    Parts = tuple

# Where a request has one of them it may be part of a trace, or have come through a proxy.
TRACES = ("traceparent", "baggage")
PROXIES = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded")

# What is known of each protocol's tuple; from METHOD on, requests of one client are alike.
PATH, QUERY, METHOD, SCHEME, USER_AGENT = range(5)


class Received(Parts):
    """The parts of a request as they came: texts or bytes that nobody changes, None for what lacks.

    PATH, QUERY, METHOD, SCHEME, USER_AGENT, and what else its protocol has. To understand them can
    wait: the export thread does it, for many requests in a row.
    """

    __slots__ = ()

    def request(self) -> HttpServerRequest:
        """Say what they mean, but for the target."""
        raise NotImplementedError

    def target(self) -> tuple[str, str]:
        """Return path and query as on the wire."""
        raise NotImplementedError
