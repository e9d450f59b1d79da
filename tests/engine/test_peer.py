"""Whom a connection leads to."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from otel_run.engine.peer import Peers, peer_at, peer_of

if TYPE_CHECKING:
    from otel_run.signals.description import Peer


class Connection:
    """What leads to a socket, and counts how often it is asked."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self.asked = 0

    def find(self) -> Any:
        """Its socket."""
        self.asked += 1
        return self.sock


class Slotted(Connection):
    """One that cannot be referred to weakly."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


def named(peer: Peer | None) -> tuple[object, ...]:
    """The address and the port that it is recorded with."""
    assert peer is not None
    assert set(peer.attributes) == {"network.peer.address", "network.peer.port"}
    return peer.attributes["network.peer.address"], peer.attributes["network.peer.port"]


def test_the_peer_of_a_socket_is_an_address_and_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as sock:
            peer = peer_of(sock)

    assert named(peer) == address


def test_what_is_not_connected_or_no_socket_has_no_peer() -> None:
    with socket.socket() as sock:
        assert peer_of(sock) is None
    assert peer_of(None) is None
    assert peer_of(object()) is None


def test_a_double_of_a_socket_need_not_tell_its_peer() -> None:
    class Double:
        def getpeername(self) -> Any:
            raise LookupError("nothing is connected here")

    assert peer_of(Double()) is None


@pytest.mark.parametrize("address", ["", "/run/socket", b"\0abstract", (2, 1024), None])
def test_what_has_no_ip_address_is_no_peer(address: object) -> None:
    assert peer_at(address) is None


@pytest.mark.parametrize(("kind", "asked"), [(Connection, 1), (Slotted, 3)])
def test_a_connection_is_asked_once_where_it_can_be_remembered(
    kind: type[Connection], asked: int
) -> None:
    peers = Peers(lambda connection: connection.find())
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as sock:
            connection = kind(sock)
            found = [peers.of(connection) for _ in range(3)]

    assert [named(peer) for peer in found] == [address] * 3
    assert connection.asked == asked
    assert len(peers._found) == (1 if asked == 1 else 0)


def test_a_connection_that_cannot_tell_has_no_peer() -> None:
    peers = Peers(lambda connection: connection.find())

    assert peers.of(None) is None
    assert peers.of("no connection") is None


def test_a_peer_is_described_once() -> None:
    assert peer_at(("127.0.0.1", 8080)) is peer_at(("127.0.0.1", 8080))
    assert named(peer_at(("::1", 8080, 0, 0))) == ("::1", 8080)
