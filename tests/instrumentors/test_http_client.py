"""http.client by itself."""

from __future__ import annotations

import gc
import http.client
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from contracts.http_client import duration, unchecked
from contracts.http_streamer import StreamerContract
from otel_run.engine.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from contracts.origin import Origin
    from recording import Recording


class TestHttpClient(StreamerContract):
    """One span from `putrequest` to `getresponse`."""

    library = "http.client"
    refusal = "ConnectionRefusedError"
    knows_peer_early = True

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if is_secure else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=timeout)
        target = parts._replace(scheme="", netloc="").geturl()
        try:
            connection.request(method, target, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        with closing(connection):
            connection.request("GET", parts.path)
            response = connection.getresponse()
            first = response.read(3)
            between()
            return [first, response.read()]

    def test_a_request_written_in_parts_is_one_span(
        self, recording: Recording, origin: Origin
    ) -> None:
        connection = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
        connection.putrequest("POST", "/parts?a=1")
        connection.putheader("content-length", "4")
        connection.endheaders(b"12")
        connection.send(b"34")
        response = connection.getresponse()
        body = response.read()
        connection.close()

        span = recording.span()
        assert (origin.received[0].body, body) == (b"1234", b"ok")
        assert span.attributes == self.expected(
            origin, origin.url("/parts?a=1"), http__request__method="POST"
        )

    def test_a_connection_is_used_again(self, recording: Recording, origin: Origin) -> None:
        connection = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
        for target in ("/1", "/2"):
            connection.request("GET", target)
            connection.getresponse().read()
        connection.close()

        assert len({received.peer for received in origin.received}) == 1
        assert [span.attributes["url.full"] for span in recording.spans()] == [
            origin.url("/1"),
            origin.url("/2"),
        ]

    def test_a_request_out_of_turn_fails_as_it_would_without_us(
        self, recording: Recording, origin: Origin
    ) -> None:
        connection = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
        with pytest.raises(http.client.ResponseNotReady):
            connection.getresponse()
        with pytest.raises(http.client.CannotSendHeader):
            connection.endheaders()
        connection.putrequest("GET", "/")
        with pytest.raises(http.client.CannotSendRequest):
            connection.putrequest("GET", "/")
        connection.close()

        assert recording.spans() == []

    def unanswered(self, origin: Origin, target: str) -> dict[str, Any]:
        """The attributes of a request whose response nobody has fetched."""
        return self.expected(
            origin,
            origin.url(target),
            http__response__status_code=None,
            network__protocol__version=None,
        )

    def test_a_response_that_is_never_fetched_is_a_span_without_a_status(
        self, recording: Recording, origin: Origin
    ) -> None:
        connection = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
        connection.request("GET", "/1")
        connection.close()
        connection.close()
        connection.request("GET", "/2")
        assert connection.getresponse().read() == b"ok"
        connection.close()

        first, second = recording.spans()
        assert first.attributes == self.unanswered(origin, "/1")
        assert (first.status, first.events) == ("unset", [])
        assert second.attributes == self.expected(origin, origin.url("/2"))
        assert [point.count for point in duration(recording).points] == [1, 1]

    def test_a_connection_that_is_dropped_ends_its_request(
        self, recording: Recording, origin: Origin
    ) -> None:
        connection: Any = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
        connection.request("GET", "/1")
        sock = connection.sock
        del connection
        gc.collect()
        sock.close()

        assert recording.span().attributes == self.unanswered(origin, "/1")

    def test_a_request_that_comes_too_early_leaves_the_one_before_it_alone(
        self, recording: Recording, origin: Origin
    ) -> None:
        connection = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
        connection.request("GET", "/1")
        with pytest.raises(http.client.CannotSendRequest):
            connection.request("GET", "/2")
        assert connection.getresponse().read() == b"ok"
        connection.close()

        assert recording.span().attributes == self.expected(origin, origin.url("/1"))

    def test_a_response_that_closes_its_connection_is_a_response(
        self, recording: Recording, origin: Origin
    ) -> None:
        connection = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
        connection.request("GET", "/close", headers={"connection": "close"})
        assert connection.getresponse().read() == b"ok"
        connection.close()

        assert recording.span().attributes == self.expected(origin, origin.url("/close"))

    def test_a_request_that_is_never_sent_is_none(self, recording: Recording) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", 9)
        connection.putrequest("GET", "/")
        connection.close()
        del connection
        gc.collect()

        assert recording.spans() == []

    def test_nothing_is_kept_of_connections_that_are_gone(
        self, recording: Recording, origin: Origin
    ) -> None:
        for number in range(20):
            connection = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
            connection.request("GET", "/")
            if number % 2:
                connection.getresponse().read()
            connection.close()
        del connection
        gc.collect()

        assert len(recording.spans()) == 20
        (exchange,) = (one for one in gc.get_objects() if type(one) is Exchange)
        assert len(exchange._waiting) == 0

    def test_a_tunnel_is_not_taken_for_the_server(
        self, recording: Recording, origin: Origin
    ) -> None:
        connection = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
        connection.set_tunnel("elsewhere.example", 8080)
        connection.request("GET", "/path")
        connection.getresponse().read()
        connection.close()

        assert [received.method for received in origin.received] == ["CONNECT", "GET"]
        assert "traceparent" not in origin.received[0].headers
        assert recording.span().attributes == self.expected(
            origin,
            "http://elsewhere.example:8080/path",
            server__address="elsewhere.example",
            server__port=8080,
        )

    def test_a_unix_socket_is_harmless(self, recording: Recording, tmp_path: Path) -> None:
        path = str(tmp_path / "socket")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            connection = UnixConnection(path)
            connection.request("GET", "/info")
            peer, _ = server.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.0 204 No Content\r\n\r\n")
            status = connection.getresponse().status
            connection.close()

        [span] = unchecked(recording)
        assert status == 204
        assert span.attributes == {
            "http.request.method": "GET",
            "http.response.status_code": 204,
            "network.protocol.version": "1.0",
            "server.address": "localhost",
            "server.port": 80,
            "url.full": "http://localhost/info",
        }

    def test_targets_that_are_no_paths_are_harmless(
        self, recording: Recording, origin: Origin
    ) -> None:
        connection = http.client.HTTPConnection(origin.address, origin.port, timeout=20)
        for method, target in (("OPTIONS", "*"), ("GET", ""), ("GET", "http://other.example/x")):
            connection.request(method, target)
            connection.getresponse().read()
        connection.close()

        assert [received.target for received in origin.received] == [
            "*",
            "/",
            "http://other.example/x",
        ]
        assert [span.attributes["url.full"] for span in recording.spans()] == [
            origin.url("/*"),
            origin.url("/"),
            "http://other.example/x",
        ]


class UnixConnection(http.client.HTTPConnection):
    """What programs that talk to Docker write."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)
