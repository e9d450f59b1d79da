"""httpcore and httpcore2 by themselves, sync and async."""

from __future__ import annotations

import asyncio
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

import httpcore
import pytest

from contracts.async_http_client import AsyncHttpClientContract, run
from contracts.http_proxied import ProxiedContract
from contracts.http_streamer import StreamerContract

httpcore2: Any = import_module("httpcore2") if find_spec("httpcore2") else None

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from contracts.origin import Origin
    from recording import Recording


def options(timeout: float) -> dict[str, Any]:
    """What makes every part of a request time out."""
    return {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), timeout)}


def pairs(headers: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """Headers as httpcore takes them."""
    return [*(headers or {}).items()]


class TestHttpcore(ProxiedContract, StreamerContract):
    """One span per `ConnectionPool.handle_request`."""

    library = "httpcore"
    module: ClassVar[Any] = httpcore
    refusal = "httpcore.ConnectError"
    knows_peer_early = True

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        with self.module.ConnectionPool() as pool:
            response = pool.request(
                method, url, headers=pairs(headers), extensions=options(timeout)
            )
            return response.status, response.content

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        with self.module.ConnectionPool() as pool, pool.stream("GET", url) as response:
            chunks = iter(response.iter_stream())
            first = next(chunks)
            between()
            return [first, *chunks]

    @pytest.mark.usefixtures("incoming")
    def test_a_request_stays_as_it_is_and_can_be_sent_again(
        self, recording: Recording, origin: Origin
    ) -> None:
        request = self.module.Request("GET", origin.url(), headers={"Host": "h", "X-Mine": "1"})
        before = list(request.headers)
        with self.module.ConnectionPool() as pool:
            for _ in range(2):
                response = pool.handle_request(request)
                assert response.read() == b"ok"
                response.close()

        assert request.headers == before
        assert len({received.peer for received in origin.received}) == 1
        assert len(recording.spans()) == 2

    def test_an_idle_connection_that_makes_room_is_no_peer_of_what_fails(
        self, recording: Recording, origin: Origin, refusing: int
    ) -> None:
        with self.module.ConnectionPool(max_connections=1) as pool:
            pool.request("GET", origin.url())
            with pytest.raises(self.module.ConnectError):
                pool.request("GET", f"http://127.0.0.1:{refusing}/")

        assert recording.spans()[1].attributes == {
            "error.type": self.refusal,
            "http.request.method": "GET",
            "server.address": "127.0.0.1",
            "server.port": refusing,
            "url.full": f"http://127.0.0.1:{refusing}/",
        }

    def request_through(self, proxy: str, url: str) -> None:
        with self.module.HTTPProxy(proxy) as pool:
            pool.request("GET", url)


class TestAsyncHttpcore(AsyncHttpClientContract, StreamerContract):
    """One span per `AsyncConnectionPool.handle_async_request`."""

    library = "httpcore"
    module: ClassVar[Any] = httpcore
    refusal = "httpcore.ConnectError"
    knows_peer_early = True

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        async with self.module.AsyncConnectionPool() as pool:
            response = await pool.request(
                method, url, headers=pairs(headers), extensions=options(timeout)
            )
            return response.status, response.content

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        async def main() -> list[bytes]:
            async with (
                self.module.AsyncConnectionPool() as pool,
                pool.stream("GET", url) as response,
            ):
                chunks = response.aiter_stream().__aiter__()
                first = await chunks.__anext__()
                await asyncio.to_thread(between)
                return [first, *[chunk async for chunk in chunks]]

        return run(main())


@pytest.mark.skipif(httpcore2 is None, reason="not with the oldest h11")
class TestHttpcore2(TestHttpcore):
    """The same of httpcore2."""

    library = "httpcore2"
    module: ClassVar[Any] = httpcore2
    refusal = "httpcore2.ConnectError"


@pytest.mark.skipif(httpcore2 is None, reason="not with the oldest h11")
class TestAsyncHttpcore2(TestAsyncHttpcore):
    """The same of httpcore2."""

    library = "httpcore2"
    module: ClassVar[Any] = httpcore2
    refusal = "httpcore2.ConnectError"
