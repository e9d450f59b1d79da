"""Whom a connection leads to."""

from __future__ import annotations

from weakref import ref

from otel_run.signals.cache import Cache
from otel_run.signals.description import Peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine.call import Call


# Those that connections led to lately, by the socket's address.
PEERS: Cache[tuple[Any, ...], Peer] = Cache(512)


def peer_of(sock: Any) -> Peer | None:
    """Return whom a socket is connected to; None for a Unix socket, whose peer has no port."""
    try:
        address = sock.getpeername()
    except Exception:  # there is none, or no longer, and a test double raises what it likes
        return None
    if isinstance(address, tuple):  # as `peer_at` has it, without its frame
        return PEERS.young.get(address) or _describe(address)
    return None


def peer_at(address: Any) -> Peer | None:
    """Return the peer at a socket's address; None where that is not an IP address and a port."""
    if isinstance(address, tuple):
        return PEERS.young.get(address) or _describe(address)
    return None


def _describe(address: tuple[Any, ...]) -> Peer | None:
    """Look for a peer that is not in use, and describe a new one."""
    peer = PEERS.get(address)
    if peer is None and isinstance(address[0], str):
        peer = Peer({"network.peer.address": address[0], "network.peer.port": address[1]})
        PEERS.put(address, peer)
    return peer


class Peers:
    """The peers of connections that are slow to tell: each is asked once.

    `socket_of` finds the socket of a connection.
    """

    def __init__(self, socket_of: Callable[[Any], Any]) -> None:
        self._socket_of = socket_of
        self._found: dict[ref[Any], Peer | None] = {}

    def of(self, connection: Any) -> Peer | None:
        """Return the peer of the connection, if it is one."""
        if connection is None:
            return None
        try:
            return self._found[ref(connection)]
        except (KeyError, TypeError):  # new, or nothing that can be remembered
            peer = self._ask(connection)
        try:
            self._found[ref(connection, self._forget)] = peer
        except TypeError:
            pass
        return peer

    def of_instance(self, call: Call) -> Peer | None:
        """Return the peer of the connection of which this is a method."""
        return self.of(call.instance)

    def _forget(self, reference: ref[Any]) -> None:
        self._found.pop(reference, None)

    def _ask(self, connection: Any) -> Peer | None:
        try:
            return peer_of(self._socket_of(connection))
        except Exception:  # a double of the program's need not tell
            return None
