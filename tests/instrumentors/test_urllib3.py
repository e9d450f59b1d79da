"""urllib3, over http.client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import urllib3
from urllib3._collections import HTTPHeaderDict

from contracts.http_client import hops, resends
from contracts.http_follower import FollowerContract
from contracts.http_sender import SenderContract
from contracts.http_streamer import StreamerContract

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contracts.origin import Origin
    from recording import Recording


class TestUrllib3(FollowerContract, SenderContract, StreamerContract):
    """One span per attempt."""

    library = "urllib3"
    sender = "http.client"
    refusal = "urllib3.exceptions.NewConnectionError"
    knows_peer_early = True

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        with urllib3.PoolManager() as pool:
            response = pool.request(
                method, url, headers=headers, timeout=timeout, retries=False, redirect=False
            )
            return response.status, response.data

    def follow(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        with urllib3.PoolManager() as pool:
            response = pool.request(method, url, body=body)
            return response.status, response.data

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        with urllib3.PoolManager() as pool:
            response = pool.request("GET", url, preload_content=False)
            chunks = response.stream(3)
            first = next(chunks)
            between()
            return [first, *chunks]

    def test_each_attempt_is_a_span(self, recording: Recording, origin: Origin) -> None:
        retries = urllib3.Retry(2, status_forcelist=[503], raise_on_status=False)
        with urllib3.PoolManager() as pool:
            pool.request("GET", origin.url("/status/503"), retries=retries)
            pool.request("GET", origin.url("/redirect/1"))

        assert hops(recording.spans()) == [
            ("status/503", 503, ""),
            ("status/503", 503, ""),
            ("status/503", 503, ""),
            ("redirect/1", 302, ""),
            ("ok", 200, ""),
        ]
        assert resends(recording.spans()) == [None, 1, 2, None, 1]
        sent = [received.headers["traceparent"] for received in origin.received]
        assert sent == [[f"00-{s.trace_id}-{s.span_id}-01"] for s in recording.spans()]

    @pytest.mark.usefixtures("incoming")
    def test_a_pool_keeps_its_headers_and_its_connection(
        self, recording: Recording, origin: Origin
    ) -> None:
        headers = {"X-Mine": "1"}
        with urllib3.PoolManager(headers=headers) as pool:
            for _ in range(3):
                pool.request("GET", origin.url())

        assert headers == {"X-Mine": "1"}
        assert [received.headers["x-mine"] for received in origin.received] == [["1"]] * 3
        assert len({received.peer for received in origin.received}) == 1
        assert len(recording.spans()) == 3

    def test_a_header_with_several_values_is_sent_as_several(self, origin: Origin) -> None:
        headers = HTTPHeaderDict({"Accept": "a"})
        headers.add("Accept", "b")
        with urllib3.PoolManager() as pool:
            pool.request("GET", origin.url(), headers=headers)

        [with_us] = origin.received
        self.instrumentor.unpatch()
        with urllib3.PoolManager() as pool:
            pool.request("GET", origin.url(), headers=headers)

        assert with_us.headers["accept"] == origin.received[1].headers["accept"]
        assert headers.getlist("accept") == ["a", "b"]

    def test_a_pool_without_a_port_asks_the_usual_one(self, recording: Recording) -> None:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", timeout=1)
        with pool, pytest.raises(urllib3.exceptions.HTTPError):
            pool.request("GET", "/path", retries=False)

        span = recording.span()
        assert span.attributes == {
            "error.type": "urllib3.exceptions.NewConnectionError",
            "http.request.method": "GET",
            "server.address": "127.0.0.1",
            "server.port": 80,
            "url.full": "http://127.0.0.1/path",
        }
