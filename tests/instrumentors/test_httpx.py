"""httpx and httpx2, sync and async, over httpcore and over transports of the program's own."""

from __future__ import annotations

import asyncio
import pickle
import ssl
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest

from contracts.async_http_client import AsyncHttpClientContract, run
from contracts.http_client import resends, unchecked
from contracts.http_follower import FollowerContract
from contracts.http_proxied import ProxiedContract
from contracts.http_sender import SenderContract
from contracts.http_streamer import StreamerContract
from contracts.origin import Origin

httpx2: Any = import_module("httpx2") if find_spec("httpx2") else None

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping

    import trustme

    from otel_run.signals.context import Node
    from recording import Recording


def again_with_token(module: Any, token: str) -> Any:
    """An auth flow that answers 401 with a token, which it fetches from there if it is a URL."""

    class Again(module.Auth):  # type: ignore[misc]
        requires_response_body = True

        def auth_flow(
            self, request: httpx.Request
        ) -> Generator[httpx.Request, httpx.Response, None]:
            response = yield request
            if response.status_code == 401:
                text = (yield module.Request("POST", token)).text if "/" in token else token
                request.headers["X-Token"] = text
                yield request

    return Again()


def token_first(module: Any, url: str) -> Any:
    """An auth flow that fetches a token for each request."""

    class Token(module.Auth):  # type: ignore[misc]
        requires_response_body = True

        def auth_flow(
            self, request: httpx.Request
        ) -> Generator[httpx.Request, httpx.Response, None]:
            token = yield module.Request("POST", url)
            request.headers["X-Token"] = token.text
            yield request

    return Token()


class AuthContract(FollowerContract):
    """What holds for auth flows of the program's own, sync or async."""

    module: ClassVar[Any] = httpx

    def send_each(self, path: str, origin: Origin, auth: Any, *, count: int = 1) -> None:
        """Send a request as often, and follow its redirects."""
        raise NotImplementedError

    def test_a_token_that_an_auth_flow_fetches_has_its_own_span(
        self, recording: Recording, origin: Origin
    ) -> None:
        self.send_each("/ok", origin, token_first(self.module, origin.url("/token")))

        token, request = recording.spans()
        assert token.attributes == self.expected(
            origin, origin.url("/token"), http__request__method="POST"
        )
        assert request.attributes == self.expected(origin, origin.url())
        assert (token.parent_id, request.parent_id) == ("", "")
        assert origin.received[1].headers["x-token"] == ["ok"]

    def test_a_request_that_an_auth_flow_sends_again_is_a_resend(
        self, recording: Recording, origin: Origin
    ) -> None:
        self.send_each("/status/401", origin, again_with_token(self.module, "mine"), count=2)

        assert [received.headers.get("x-token") for received in origin.received] == [
            None,
            ["mine"],
            ["mine"],
            ["mine"],
        ]
        assert resends(recording.spans()) == [None, 1, None, 1]

    def test_a_token_fetched_in_between_is_none(self, recording: Recording, origin: Origin) -> None:
        auth = again_with_token(self.module, origin.url("/token"))
        self.send_each("/status/401", origin, auth)

        paths = [received.target for received in origin.received]
        assert paths == ["/status/401", "/token", "/status/401"]
        assert resends(recording.spans()) == [None, None, 1]

    def test_a_token_fetched_before_is_no_part_of_what_a_redirect_counts(
        self, recording: Recording, origin: Origin
    ) -> None:
        self.send_each("/redirect/2", origin, token_first(self.module, origin.url("/token")))

        assert resends(recording.spans()) == [None, None, 1, 2]


# What a client would make for itself each time, which takes long.
TLS = ssl.create_default_context()


class TestHttpx(AuthContract, ProxiedContract, SenderContract, StreamerContract):
    """One span per `Client._send_single_request`."""

    library = "httpx"
    sender = "httpcore"
    module: ClassVar[Any] = httpx
    refusal = "httpx.ConnectError"
    knows_peer_early = True

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        response = self.module.request(method, url, headers=headers, timeout=timeout, verify=TLS)
        return response.status_code, response.content

    def follow(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        response = self.module.request(method, url, content=body, timeout=20, follow_redirects=True)
        return response.status_code, response.content

    def send_each(self, path: str, origin: Origin, auth: Any, *, count: int = 1) -> None:
        with self.module.Client(follow_redirects=True) as client:
            request = client.build_request("GET", origin.url(path))
            for _ in range(count):
                client.send(request, auth=auth)

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        with self.module.stream("GET", url, timeout=20) as response:
            chunks = response.iter_raw(3)
            first = next(chunks)
            between()
            return [first, *chunks]

    def test_attempts_to_connect_are_no_requests(
        self, recording: Recording, authority: trustme.CA
    ) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        with (
            Origin(tls=tls) as origin,
            self.module.Client(
                transport=self.module.HTTPTransport(verify=TLS, retries=1)
            ) as client,
            pytest.raises(self.module.ConnectError),
        ):
            client.get(origin.url())

        assert recording.span().attributes == self.expected(
            origin,
            origin.url(),
            server__address="localhost",
            error__type=f"{self.library}.ConnectError",
            http__response__status_code=None,
            network__protocol__version=None,
        )

    def test_a_connection_that_is_made_at_the_second_attempt_has_one_request(
        self, recording: Recording, origin: Origin
    ) -> None:
        httpcore = import_module(self.sender)
        refusals = [httpcore.ConnectError()]

        class Refusing(httpcore.SyncBackend):  # type: ignore[misc, name-defined]
            def connect_tcp(self, *args: Any, **kwargs: Any) -> Any:
                if refusals:
                    raise refusals.pop()
                return super().connect_tcp(*args, **kwargs)

        transport = self.module.HTTPTransport(retries=1)
        transport._pool._network_backend = Refusing()
        with self.module.Client(transport=transport) as client:
            client.get(origin.url())

        assert recording.span().attributes == self.expected(origin, origin.url())
        [received] = origin.received
        span = recording.span()
        assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]

    @pytest.mark.usefixtures("incoming")
    def test_a_method_in_bytes_is_the_same_one(self, recording: Recording, origin: Origin) -> None:
        method: Any = b"GET"
        self.request(method, origin.url())

        span = recording.span()
        assert origin.received[0].method == "GET"
        assert span.name == "GET"
        assert span.attributes == self.expected(origin, origin.url())

    def test_a_client_keeps_its_headers_and_its_connection(
        self, recording: Recording, origin: Origin
    ) -> None:
        with self.module.Client(headers={"X-Mine": "1"}) as client:
            before = list(client.headers.raw)
            for _ in range(3):
                client.get(origin.url())

            assert client.headers.raw == before
        assert len({received.peer for received in origin.received}) == 1
        assert len({span.span_id for span in recording.spans()}) == 3

    def test_a_request_stays_as_it_is_and_can_be_sent_again(
        self, origin: Origin, incoming: Node
    ) -> None:
        with self.module.Client() as client:
            request = client.build_request("POST", origin.url(), content=b"12")
            before = list(request.headers.raw)
            client.send(request)
            incoming.values, incoming.trace_state = None, ""
            response = client.send(request)

        assert request.headers.raw == before
        first, second = origin.received
        assert (first.body, second.body) == (b"12", b"12")
        assert first.headers["traceparent"] != second.headers["traceparent"]
        assert first.headers["baggage"] == ["tenant=blue"]
        assert "baggage" not in second.headers
        assert response.request is request
        assert pickle.loads(pickle.dumps(response)).content == b"ok"  # noqa: S301

    def test_a_body_that_is_made_while_it_is_sent_is_sent_once(self, origin: Origin) -> None:
        def body() -> Iterator[bytes]:
            yield b"1"
            yield b"2"

        assert self.module.post(origin.url(), content=body(), timeout=20).content == b"ok"
        assert origin.received[0].body == b"12"

    def test_the_answer_to_a_digest_challenge_is_a_resend(
        self, recording: Recording, origin: Origin
    ) -> None:
        with self.module.Client() as client:
            request = client.build_request("GET", origin.url("/digest"))
            assert client.send(request, auth=self.module.DigestAuth("me", "secret")).text == "ok"
            client.send(request)

        assert resends(recording.spans()) == [None, 1, None]

    def test_the_answer_to_a_challenge_behind_a_redirect_begins_anew(
        self, recording: Recording, origin: Origin
    ) -> None:
        auth = self.module.DigestAuth("me", "secret")
        self.module.get(
            origin.url("/redirect/digest"), auth=auth, timeout=20, follow_redirects=True
        )

        paths = [received.target for received in origin.received]
        assert paths == ["/redirect/digest", "/digest"] * 2
        assert resends(recording.spans()) == [None, 1, 2, 3]

    def test_a_redirect_that_the_program_follows_itself_is_a_resend(
        self, recording: Recording, origin: Origin
    ) -> None:
        with self.module.Client() as client:
            following = client.get(origin.url("/redirect/1")).next_request
            client.send(following)
            client.send(following)

        assert resends(recording.spans()) == [None, 1, None]

    def test_a_transport_of_the_program_s_own_that_sends_again_counts_as_one(
        self, recording: Recording, origin: Origin
    ) -> None:
        module = self.module

        class Persistent(module.HTTPTransport):  # type: ignore[misc, name-defined]
            def handle_request(self, request: httpx.Request) -> httpx.Response:
                super().handle_request(module.Request("GET", origin.url("/token"))).close()
                super().handle_request(request).close()
                response: httpx.Response = super().handle_request(request)
                return response

        with module.Client(transport=Persistent()) as client:
            request = client.build_request("POST", origin.url("/status/503"), content=b"12")
            client.send(request)
            client.send(request)
            client.get(origin.url("/status/401"), auth=again_with_token(module, "mine"))

        assert [received.target for received in origin.received[:3]] == [
            "/token",
            "/status/503",
            "/status/503",
        ]
        assert [received.body for received in origin.received[1:3]] == [b"12", b"12"]
        assert resends(recording.spans()) == [1, 1, 1, 2]

    def test_hooks_run_as_before_and_their_own_requests_are_spans(
        self, recording: Recording, origin: Origin
    ) -> None:
        seen: list[object] = []

        def sending(request: httpx.Request) -> None:
            seen.append(("traceparent" in request.headers, request.method))
            self.module.get(origin.url("/hook"), timeout=20)

        def received(response: httpx.Response) -> None:
            seen.append(response.status_code)

        hooks: Any = {"request": [sending], "response": [received]}
        with self.module.Client(event_hooks=hooks) as client:
            client.get(origin.url())

        assert seen == [(False, "GET"), 200]
        assert [span.attributes["url.full"] for span in recording.spans()] == [
            origin.url("/hook"),
            origin.url("/ok"),
        ]

    def test_a_transport_of_the_program_s_own_is_recorded_with_what_it_returns(
        self, recording: Recording
    ) -> None:
        error = ValueError("mine")
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> Any:
            seen.append(request)
            if request.url.path == "/fail":
                raise error
            return self.module.Response(203, text=request.read().decode())

        with self.module.Client(transport=self.module.MockTransport(answer)) as client:
            response = client.post("http://host/ok", content=b"12")
            with pytest.raises(ValueError, match="mine") as raised:
                client.get("http://host/fail")

        spans = unchecked(recording)
        assert raised.value is error
        assert (response.text, response.request.content) == ("12", b"12")
        assert all("traceparent" in request.headers for request in seen)
        assert [span.attributes for span in spans] == [
            {
                "http.request.method": "POST",
                "http.response.status_code": 203,
                "server.address": "host",
                "server.port": 80,
                "url.full": "http://host/ok",
            },
            {
                "error.type": "ValueError",
                "http.request.method": "GET",
                "server.address": "host",
                "server.port": 80,
                "url.full": "http://host/fail",
            },
        ]

    def test_a_double_of_a_connection_need_not_tell_its_peer(self, recording: Recording) -> None:
        def answer(_: httpx.Request) -> Any:
            told = {"http_version": b"HTTP/2", "network_stream": object()}
            return self.module.Response(204, extensions=told)

        with self.module.Client(transport=self.module.MockTransport(answer)) as client:
            client.get("http://host/ok")

        [span] = unchecked(recording)
        assert span.attributes["network.protocol.version"] == "2"
        assert "network.peer.address" not in span.attributes

    def test_a_wsgi_application_is_asked_within_the_span(self, recording: Recording) -> None:
        seen: list[str] = []

        def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
            seen.append(environ["HTTP_TRACEPARENT"])
            start("200 OK", [("content-type", "text/plain")])
            return [b"served"]

        with self.module.Client(transport=self.module.WSGITransport(app=application)) as client:
            assert client.get("http://host/path").text == "served"

        [span] = unchecked(recording)
        assert seen == [f"00-{span.trace_id}-{span.span_id}-01"]

    def test_an_exception_names_the_request_and_pickles_as_before(self, refusing: int) -> None:
        with pytest.raises(self.module.ConnectError) as raised:
            self.module.get(f"http://127.0.0.1:{refusing}/", timeout=20)

        assert raised.value.request.method == "GET"

    def test_an_address_without_a_scheme_fails_as_it_would_without_us(
        self, recording: Recording
    ) -> None:
        with pytest.raises(self.module.UnsupportedProtocol):
            self.module.get("nowhere/path", timeout=20)

        [span] = unchecked(recording)
        assert span.attributes["error.type"] == f"{self.library}.UnsupportedProtocol"

    def request_through(self, proxy: str, url: str) -> None:
        transport = self.module.HTTPTransport(proxy=self.module.Proxy(proxy))
        with self.module.Client(transport=transport) as client:
            client.get(url)


class TestAsyncHttpx(AsyncHttpClientContract, AuthContract, SenderContract, StreamerContract):
    """One span per `AsyncClient._send_single_request`."""

    library = "httpx"
    sender = "httpcore"
    module: ClassVar[Any] = httpx
    refusal = "httpx.ConnectError"
    knows_peer_early = True

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        async with self.module.AsyncClient(timeout=timeout, verify=TLS) as client:
            response = await client.request(method, url, headers=headers)
            return response.status_code, response.content

    def follow(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        async def main() -> tuple[int, bytes]:
            async with self.module.AsyncClient(follow_redirects=True) as client:
                response = await client.request(method, url, content=body)
                return response.status_code, response.content

        return run(main())

    def send_each(self, path: str, origin: Origin, auth: Any, *, count: int = 1) -> None:
        async def main() -> None:
            async with self.module.AsyncClient(follow_redirects=True) as client:
                request = client.build_request("GET", origin.url(path))
                for _ in range(count):
                    await client.send(request, auth=auth)

        run(main())

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        async def main() -> list[bytes]:
            async with self.module.AsyncClient() as client, client.stream("GET", url) as response:
                chunks = response.aiter_raw(3)
                first = await anext_of(chunks)
                await asyncio.to_thread(between)
                return [first, *[chunk async for chunk in chunks]]

        return run(main())

    def test_a_transport_of_the_program_s_own_that_sends_again_counts_as_one(
        self, recording: Recording, origin: Origin
    ) -> None:
        class Persistent(self.module.AsyncHTTPTransport):  # type: ignore[misc, name-defined]
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                await (await super().handle_async_request(request)).aclose()
                response: httpx.Response = await super().handle_async_request(request)
                return response

        async def main() -> None:
            async with self.module.AsyncClient(transport=Persistent()) as client:
                request = client.build_request("GET", origin.url("/status/503"))
                await client.send(request)
                await client.send(request)

        run(main())

        assert len(origin.received) == 4
        assert resends(recording.spans()) == [1, 1]

    def test_an_asgi_application_is_asked_within_the_span(self, recording: Recording) -> None:
        seen: list[bytes] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
            seen.extend(value for name, value in scope["headers"] if name == b"traceparent")
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"served"})

        async def main() -> str:
            transport = self.module.ASGITransport(app=application)
            async with self.module.AsyncClient(transport=transport) as client:
                return str((await client.get("http://host/path")).text)

        assert run(main()) == "served"
        [span] = unchecked(recording)
        assert seen == [f"00-{span.trace_id}-{span.span_id}-01".encode()]

    def test_a_client_s_time_out_is_an_error_and_its_class_the_caller_s(
        self, recording: Recording, origin: Origin
    ) -> None:
        error = self.failure("GET", origin.url("/hang"), timeout=0.05)

        assert type(error) is self.module.ReadTimeout
        assert recording.span().attributes["error.type"] == f"{self.library}.ReadTimeout"


@pytest.mark.skipif(httpx2 is None, reason="not with the oldest h11")
class TestHttpx2(TestHttpx):
    """The same of httpx2."""

    library = "httpx2"
    sender = "httpcore2"
    module: ClassVar[Any] = httpx2
    refusal = "httpx2.ConnectError"


@pytest.mark.skipif(httpx2 is None, reason="not with the oldest h11")
class TestAsyncHttpx2(TestAsyncHttpx):
    """The same of httpx2."""

    library = "httpx2"
    sender = "httpcore2"
    module: ClassVar[Any] = httpx2
    refusal = "httpx2.ConnectError"


async def anext_of(chunks: AsyncIterator[bytes]) -> bytes:
    """The next one."""
    return await chunks.__anext__()
