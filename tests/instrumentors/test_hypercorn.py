"""Applications of every kind under Hypercorn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from flask import Flask
from hypercorn import middleware
from starlette.applications import Starlette
from starlette.routing import Route

from contracts.asgi_server import AsgiServerContract, Waiting, live, plain, silent
from contracts.asgi_servers import serve_hypercorn
from contracts.async_http_client import run
from contracts.http2_origin import certify
from contracts.http_server import hello
from contracts.wire import Wire, answer_to, request_bytes
from recording import instrumentors

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from contracts.asgi_server import AsgiApplication, Receive, Scope, Send
    from recording import Recording


class TestHypercorn(AsgiServerContract):
    """One span per request that the worker of asyncio receives."""

    library = "hypercorn"

    def serve_asgi(self, application: AsgiApplication) -> AbstractContextManager[tuple[str, int]]:
        return serve_hypercorn(application)


class TestHypercornOnTrio(AsgiServerContract):
    """One span per request that the worker of trio receives."""

    library = "hypercorn"

    def serve_asgi(self, application: AsgiApplication) -> AbstractContextManager[tuple[str, int]]:
        return serve_hypercorn(application, worker="trio")


@pytest.mark.parametrize("worker", ["asyncio", "trio"])
def test_what_is_pipelined_behind_an_excluded_request_is_a_request_of_its_own(
    recording: Recording, worker: str
) -> None:
    requests = [
        request_bytes("/healthz", connection="keep-alive"),
        request_bytes("/products"),
    ]
    with serve_hypercorn(plain, worker=worker) as address:
        received = answer_to(address, b"".join(requests))

    assert received.count(b"HTTP/1.1 200") == len(requests)
    assert [span.attributes["url.path"] for span in recording.spans()] == ["/products"]


@pytest.mark.parametrize("worker", ["asyncio", "trio"])
def test_what_the_server_answers_where_the_application_does_not_is_recorded(
    recording: Recording, worker: str
) -> None:
    with serve_hypercorn(silent, worker=worker) as address, Wire(address) as wire:
        wire.send(request_bytes())
        port = wire.port
        assert b" 500 " in wire.rest()

    assert recording.span().status == "error"
    assert recording.span().attributes == TestHypercorn().expected(
        port, http__response__status_code=500, error__type="500"
    )


@pytest.mark.parametrize("worker", ["asyncio", "trio"])
def test_a_client_that_leaves_is_answered_by_nobody(recording: Recording, worker: str) -> None:
    application = Waiting()
    with serve_hypercorn(application, worker=worker) as address, Wire(address) as wire:
        wire.send(request_bytes())
        port = wire.port
        assert application.is_asked.wait(20)

    assert recording.span().status == "unset"
    assert recording.span().attributes == TestHypercorn().expected(
        port, http__response__status_code=None
    )


def test_an_application_of_wsgi_has_its_span(recording: Recording) -> None:
    with serve_hypercorn(hello) as address, Wire(address) as wire:
        wire.send(request_bytes())
        port = wire.port
        assert wire.rest().endswith(b"hello")

    assert recording.span().attributes == TestHypercorn().expected(port)


def test_a_framework_of_wsgi_is_part_of_the_request(recording: Recording) -> None:
    app = Flask("shop")
    app.add_url_rule("/items/<int:item>", "items", lambda item: f"item {item}")
    adapter: Any = middleware.TrioWSGIMiddleware(app)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await (adapter(scope, receive, send) if scope["type"] == "http" else live(receive, send))

    with serve_hypercorn(application, worker="trio") as address:
        assert answer_to(address, request_bytes("/items/7")).endswith(b"item 7")

    assert recording.span().name == "GET /items/<int:item>"
    assert recording.span().scope == "otel_run_instrumentors.hypercorn"


# Without us, too, the oldest worker of asyncio breaks off what several streams have in common.
WORKERS = ["trio", *(["asyncio"] if hasattr(middleware, "ProxyFixMiddleware") else [])]


@pytest.mark.parametrize("worker", WORKERS)
def test_requests_at_the_same_time_on_one_connection_keep_apart(
    recording: Recording, worker: str, tmp_path: Path
) -> None:
    trust = certify(tmp_path)
    for library in ("httpx", "httpcore"):
        instrumentors()[library].unpatch()

    async def ask(client: httpx.AsyncClient, url: str) -> str:
        response = await client.get(url)
        return f"{response.http_version} {response.text}"

    async def main(url: str) -> list[str]:
        async with httpx.AsyncClient(http2=True, verify=trust, timeout=20) as client:
            return await asyncio.gather(*(ask(client, f"{url}/{number}") for number in range(3)))

    with serve_hypercorn(plain, worker=worker, folder=tmp_path) as (host, port):
        answers = run(main(f"https://{host}:{port}"))

    spans = recording.spans()
    assert answers == ["HTTP/2 hello"] * 3
    assert sorted(span.attributes["url.path"] for span in spans) == ["/0", "/1", "/2"]
    assert len({span.trace_id for span in spans}) == 3
    for span in spans:
        assert (span.parent_id, span.attributes["network.protocol.version"]) == ("", "2")
        assert (span.attributes["server.address"], span.attributes["server.port"]) == (host, port)


@pytest.mark.skipif(not hasattr(middleware, "ProxyFixMiddleware"), reason="0.15 brought it")
@pytest.mark.parametrize("mode", ["legacy", "modern"])
@pytest.mark.parametrize("path", ["/x", "/"])
def test_a_proxy_that_is_believed_is_within_the_one_span(
    recording: Recording, mode: Any, path: str
) -> None:
    app: Any = Starlette(routes=[Route(path, of_starlette)])
    headers = {
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "shop.example:8080",
        "forwarded": "for=203.0.113.9;proto=https;host=shop.example:8080",
    }
    proxied = middleware.ProxyFixMiddleware(app, mode)
    with serve_hypercorn(proxied) as address, Wire(address) as wire:
        wire.send(request_bytes(path, **headers))
        port = wire.port
        assert wire.rest().endswith(b"hello")

    assert recording.span().attributes == TestHypercorn().expected(
        port,
        client__address="203.0.113.9",
        http__route=path,
        url__path=path,
        url__scheme="https",
    )


async def of_starlette(_: Any) -> Any:
    """An endpoint that is an ASGI application."""
    return plain
