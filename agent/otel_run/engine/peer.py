"""Whom a connection leads to."""

from __future__ import annotations

from weakref import WeakKeyDictionary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import Any


class HttpPeer:
    """Whom the client is connected to: an address, never a name, and a port."""

    __slots__ = ("address", "port")

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port


def peer_of(sock: Any) -> HttpPeer | None:
    """Return whom a socket is connected to; None for a Unix socket, whose peer has no port."""
    try:
        return peer_at(sock.getpeername())
    except (AttributeError, OSError):  # there is none, or no longer
        return None


def peer_at(address: Any) -> HttpPeer | None:
    """Return the peer at a socket's address; None where that is not an IP address and a port."""
    if isinstance(address, tuple) and isinstance(address[0], str):
        return HttpPeer(address[0], address[1])
    return None


class Peers:
    """The peers of connections that are slow to tell: each is asked once.

    `socket_of` finds the socket of a connection.
    """

    def __init__(self, socket_of: Callable[[Any], Any]) -> None:
        self._socket_of = socket_of
        self._found: MutableMapping[Any, HttpPeer | None] = WeakKeyDictionary()

    def of(self, connection: Any) -> HttpPeer | None:
        """Return the peer of the connection, if it is one."""
        if connection is None:
            return None
        try:
            return self._found[connection]
        except (KeyError, TypeError):  # new, or nothing that can be remembered
            peer = self._ask(connection)
        try:
            self._found[connection] = peer
        except TypeError:
            pass
        return peer

    def _ask(self, connection: Any) -> HttpPeer | None:
        try:
            return peer_of(self._socket_of(connection))
        except Exception:  # a double of the program's need not tell
            return None
