"""aiohttp's client."""

from __future__ import annotations

import asyncio
import copy
import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest
import yarl

from contracts.async_http_client import AsyncHttpClientContract, run
from contracts.http_client import resends
from contracts.http_follower import FollowerContract
from contracts.http_proxied import ProxiedContract
from contracts.http_streamer import StreamerContract
from contracts.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    import trustme

    from recording import Recording


class TestAiohttpClient(
    AsyncHttpClientContract, FollowerContract, ProxiedContract, StreamerContract
):
    """One span per request that `ClientSession._request` sends."""

    library = "aiohttp.client"
    refusal = "aiohttp.client_exceptions.ClientConnectorError"
    # Before 3.10 the event loop makes the connection, and nobody tells where it led to.
    knows_peer_early = hasattr(aiohttp.connector, "aiohappyeyeballs")

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout)) as session,
            session.request(method, url, headers=headers, allow_redirects=False) as response,
        ):
            return response.status, await response.read()

    def follow(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        async def main() -> tuple[int, bytes]:
            async with (
                aiohttp.ClientSession() as session,
                session.request(method, url, data=body) as response,
            ):
                return response.status, await response.read()

        return run(main())

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        async def main() -> list[bytes]:
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                first = await response.content.readexactly(3)
                await asyncio.to_thread(between)
                return [first, await response.content.read()]

        return run(main())

    def test_a_session_keeps_its_headers_and_its_connection(
        self, recording: Recording, origin: Origin
    ) -> None:
        async def main() -> list[aiohttp.TraceConfig]:
            async with aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
                before = session.headers.copy()
                for _ in range(3):
                    async with session.get(origin.url()) as response:
                        await response.read()
                assert session.headers == before
                return session.trace_configs

        assert run(main()) == []
        assert len({received.peer for received in origin.received}) == 1
        assert len({span.span_id for span in recording.spans()}) == 3
        assert [received.headers["x-mine"] for received in origin.received] == [["1"]] * 3

    def test_a_status_that_raises_is_no_event(self, recording: Recording, origin: Origin) -> None:
        async def main() -> None:
            async with aiohttp.ClientSession(raise_for_status=True) as session:
                with pytest.raises(aiohttp.ClientResponseError):
                    await session.get(origin.url("/status/404"))

        run(main())

        span = recording.span()
        assert (span.status, span.events) == ("error", [])
        assert span.attributes["error.type"] == "404"

    def test_trace_configurations_run_as_before(self, recording: Recording, origin: Origin) -> None:
        seen: list[str] = []

        async def started(*_: Any) -> None:
            seen.append("started")

        async def ended(_: Any, __: Any, told: Any) -> None:
            seen.append(f"ended {told.response.status}")

        async def main() -> None:
            config = aiohttp.TraceConfig()
            config.on_request_start.append(started)
            config.on_request_end.append(ended)
            async with (
                aiohttp.ClientSession(trace_configs=[config]) as session,
                session.get(origin.url()) as response,
            ):
                await response.read()

        run(main())

        assert seen == ["started", "ended 200"]
        assert recording.span().attributes == self.expected(origin, origin.url())

    def test_a_time_out_while_connecting_is_the_caller_s_error(self, recording: Recording) -> None:
        class Never(aiohttp.TCPConnector):
            async def _create_connection(self, *_: Any, **__: Any) -> Any:
                await asyncio.sleep(60)

        async def main(timeout: aiohttp.ClientTimeout) -> BaseException:
            async with aiohttp.ClientSession(connector=Never(), timeout=timeout) as session:
                with pytest.raises(asyncio.TimeoutError) as raised:
                    await session.get("http://127.0.0.1:9/")
                return raised.value

        errors = [
            run(main(timeout))
            for timeout in (
                aiohttp.ClientTimeout(total=0.05),
                aiohttp.ClientTimeout(total=None, connect=0.05),
            )
        ]

        spans = recording.spans()
        kinds = [type(error) for error in errors]
        assert [span.attributes["error.type"] for span in spans] == [
            kind.__qualname__ if kind.__module__ == "builtins" else full_name(kind)
            for kind in kinds
        ]
        assert [span.status for span in spans] == ["error", "error"]

    def test_a_request_that_is_given_up_while_it_connects_is_no_error(
        self, recording: Recording
    ) -> None:
        async def main() -> None:
            connecting = asyncio.Event()

            class Never(aiohttp.TCPConnector):
                async def _create_connection(self, *_: Any, **__: Any) -> Any:
                    connecting.set()
                    await asyncio.sleep(60)

            async with aiohttp.ClientSession(connector=Never()) as session:
                task = asyncio.ensure_future(session._request("GET", "http://127.0.0.1:9/"))
                await connecting.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

        run(main())

        span = recording.span()
        assert (span.status, span.events) == ("unset", [])
        assert "error.type" not in span.attributes

    @pytest.mark.skipif(not hasattr(aiohttp, "ClientHandlerType"), reason="came with 3.12")
    def test_what_a_middleware_sends_again_is_a_span_of_its_own(
        self, recording: Recording, origin: Origin
    ) -> None:
        async def again(request: Any, handler: Any) -> Any:
            first = await handler(request)
            first.release()
            return await handler(request)

        async def main() -> None:
            async with (
                aiohttp.ClientSession(middlewares=[again]) as session,
                session.get(origin.url()) as response,
            ):
                await response.read()

        run(main())

        spans = recording.spans()
        sent = [received.headers["traceparent"] for received in origin.received]
        assert sent == [[f"00-{span.trace_id}-{span.span_id}-01"] for span in spans]
        assert resends(spans) == [None, 1]

    @pytest.mark.skipif(not hasattr(aiohttp, "ClientHandlerType"), reason="came with 3.12")
    def test_what_a_middleware_sends_at_once_is_not_confused(
        self, recording: Recording, origin: Origin, authority: trustme.CA
    ) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)

        async def at_once(request: Any, handler: Any) -> Any:
            others = [copy.copy(request) for _ in range(3)]
            for other, url in zip(others, urls, strict=True):
                other.url = yarl.URL(url)
                other.headers = request.headers.copy()
            await asyncio.gather(*map(handler, others), return_exceptions=True)
            return await handler(request)

        async def main() -> None:
            async with (
                aiohttp.ClientSession(middlewares=[at_once]) as session,
                session.get(origin.url()) as response,
            ):
                await response.read()

        with Origin(tls=tls) as secure:
            nobody = unused_port()
            urls = (f"http://127.0.0.1:{nobody}/", secure.url(), origin.url("/other"))
            run(main())

        spans = {span.attributes["url.full"]: span.attributes for span in recording.spans()}
        ports = {url: attributes.get("network.peer.port") for url, attributes in spans.items()}
        # Where several are on their way, nobody knows which of them got to whom without TLS.
        assert ports.pop(secure.url()) in {None, secure.port}
        assert ports == {urls[0]: None, urls[2]: origin.port, origin.url(): origin.port}

    def test_what_cannot_be_sent_fails_with_the_caller_s_error(
        self, recording: Recording, origin: Origin
    ) -> None:
        class Closing(aiohttp.TCPConnector):
            async def connect(self, *args: Any, **kwargs: Any) -> Any:
                connection = await super().connect(*args, **kwargs)
                assert connection.transport is not None
                connection.transport.abort()
                return connection

        async def main() -> BaseException:
            async with aiohttp.ClientSession(connector=Closing()) as session:
                with pytest.raises(aiohttp.ClientError) as raised:
                    await session.post(origin.url(), data=b"12")
                return raised.value

        error = run(main())

        span = recording.span()
        assert span.attributes == self.expected(
            origin,
            origin.url(),
            error__type=full_name(type(error)),
            http__request__method="POST",
            http__response__status_code=None,
            network__protocol__version=None,
        )

    def test_who_was_reached_before_a_redirect_is_not_the_peer_of_what_it_leads_to(
        self, recording: Recording, origin: Origin
    ) -> None:
        async def main() -> None:
            async with aiohttp.ClientSession() as session:
                with pytest.raises(aiohttp.ClientConnectorError):
                    await session.get(origin.url(f"/redirect/to/{unused_port()}"))

        run(main())

        first, second = recording.spans()
        assert first.attributes["network.peer.port"] == origin.port
        assert "network.peer.port" not in second.attributes

    def test_a_call_that_is_never_awaited_warns_as_it_would_without_us(
        self, recording: Recording, origin: Origin
    ) -> None:
        async def main() -> None:
            async with aiohttp.ClientSession() as session:
                with pytest.warns(RuntimeWarning) as warned:
                    forget(session._request("GET", origin.url()))
                told = [str(warning.message) for warning in warned]
                assert told == ["coroutine 'ClientSession._request' was never awaited"]

        run(main())
        self.instrumentor.unpatch()
        run(main())

        assert recording.spans() == []

    def request_through(self, proxy: str, url: str) -> None:
        async def main() -> None:
            async with (
                aiohttp.ClientSession() as session,
                session.get(url, proxy=proxy) as response,
            ):
                await response.read()

        run(main())

    def test_a_websocket_s_request_is_one_span(self, recording: Recording, origin: Origin) -> None:
        async def main() -> None:
            async with aiohttp.ClientSession() as session:
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    await session.ws_connect(origin.url())

        run(main())

        assert recording.span().attributes == self.expected(origin, origin.url())


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def forget(_: object) -> None:
    """Let go of something."""


def full_name(kind: type) -> str:
    """The name of a class, as `error.type` has it."""
    return f"{kind.__module__}.{kind.__qualname__}"
