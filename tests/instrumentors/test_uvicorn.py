"""Applications of every kind under uvicorn."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from uvicorn.middleware import wsgi
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from contracts.asgi_server import AsgiServerContract, Waiting, plain
from contracts.asgi_servers import serve_uvicorn
from contracts.http_server import hello
from contracts.wire import Wire, answer_to, request_bytes
from contracts.wsgi_bridge import WsgiBridgeContract

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from contracts.asgi_server import AsgiApplication, Receive, Scope, Send
    from recording import Recording


# The oldest knew no a2wsgi.
KNOWS_A2WSGI = hasattr(wsgi, "_WSGIMiddleware")
OWN_BRIDGE: Any = getattr(wsgi, "_WSGIMiddleware" if KNOWS_A2WSGI else "WSGIMiddleware")


class TestWsgiMiddleware(WsgiBridgeContract):
    """What uvicorn has of its own where a2wsgi is not installed."""

    tells_mount = KNOWS_A2WSGI

    def adapt(self, application: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is on its way out
            return OWN_BRIDGE(application)


class TestUvicorn(AsgiServerContract):
    """One span per request that the server receives."""

    library = "uvicorn"

    def serve_asgi(self, application: AsgiApplication) -> AbstractContextManager[tuple[str, int]]:
        return serve_uvicorn(application, lifespan="auto")

    @pytest.mark.parametrize("options", [{}, {"proxy_headers": False}])
    def test_the_connection_is_the_proxy_s_and_the_client_whom_the_proxy_tells_of(
        self, recording: Recording, options: dict[str, Any]
    ) -> None:
        seen: list[Any] = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append((scope["client"], scope["scheme"]))
            await plain(scope, receive, send)

        request = request_bytes(**{"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"})
        with serve_uvicorn(application, **options) as address, Wire(address) as wire:
            wire.send(request)
            port = wire.port
            wire.rest()

        is_fixed = options.get("proxy_headers", True)
        assert seen == [
            (("203.0.113.9", 0), "https") if is_fixed else (("127.0.0.1", port), "http")
        ]
        assert recording.span().attributes == self.expected(
            port, client__address="203.0.113.9", url__scheme="https"
        )

    def test_what_is_pipelined_behind_an_excluded_request_is_a_request_of_its_own(
        self, recording: Recording
    ) -> None:
        requests = [
            request_bytes("/healthz", connection="keep-alive"),
            request_bytes("/products", connection="keep-alive"),
            request_bytes("/healthz"),
        ]
        with serve_uvicorn(plain) as address:
            received = answer_to(address, b"".join(requests))

        assert received.count(b"HTTP/1.1 200") == len(requests)
        assert [span.attributes["url.path"] for span in recording.spans()] == ["/products"]

    @pytest.mark.parametrize("kind", [None, asyncio.CancelledError])
    def test_what_the_server_answers_where_the_application_does_not_is_recorded(
        self, recording: Recording, kind: type[BaseException] | None
    ) -> None:
        async def application(_: Scope, __: Receive, ___: Send) -> None:
            if kind:
                raise kind

        with serve_uvicorn(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            port = wire.port
            assert b" 500 " in wire.rest()

        assert recording.span().status == "error"
        assert recording.span().attributes == self.expected(
            port, http__response__status_code=500, error__type="500"
        )

    def test_a_client_that_leaves_is_answered_by_nobody(self, recording: Recording) -> None:
        application = Waiting()
        with serve_uvicorn(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            port = wire.port
            assert application.is_asked.wait(20)

        assert recording.span().status == "unset"
        assert recording.span().attributes == self.expected(port, http__response__status_code=None)

    def test_an_application_of_wsgi_has_its_span(self, recording: Recording) -> None:
        with serve_uvicorn(hello, interface="wsgi") as address, Wire(address) as wire:
            wire.send(request_bytes())
            port = wire.port
            assert wire.rest().endswith(b"hello")

        assert recording.span().attributes == self.expected(port)

    def test_an_application_of_asgi_2_has_its_span(self, recording: Recording) -> None:
        def application(scope: Scope) -> Any:
            async def instance(receive: Receive, send: Send) -> None:
                await plain(scope, receive, send)

            return instance

        with serve_uvicorn(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            port = wire.port
            assert wire.rest().endswith(b"hello")

        assert recording.span().attributes == self.expected(port)

    def test_a_factory_is_called_once(self, recording: Recording) -> None:
        made: list[object] = []

        def factory() -> AsgiApplication:
            made.append(plain)
            return plain

        with serve_uvicorn(factory, factory=True) as address:
            assert answer_to(address, request_bytes()).endswith(b"hello")

        assert made == [plain]
        assert recording.span().name == "GET"

    def test_what_is_loaded_is_still_what_it_was(self) -> None:
        config = uvicorn.Config(plain, log_config=None, log_level="info")
        config.load()

        assert isinstance(config.loaded_app, ProxyHeadersMiddleware)
        assert config.loaded_app.app is plain
