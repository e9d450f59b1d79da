"""Clients that speak HTTP/2, with a server that does."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest

from contracts.async_http_client import run
from contracts.http2_breaker import http2_breaker
from contracts.http2_origin import Http2Origin, http2_origin
from contracts.http_client import full_name, raised_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recording import Recording

LIMIT = 30  # seconds; the server is still starting
LIBRARIES = [name for name in ("httpx", "httpcore", "httpx2", "httpcore2") if find_spec(name)]
for name in LIBRARIES:
    import_module(name)  # what has been imported by then is recorded


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http2Origin]:
    """The server that is asked."""
    with http2_origin(tmp_path_factory.mktemp("tls")) as found:
        yield found


def ask_httpx(origin: Http2Origin) -> httpx.Response:
    with httpx.Client(http2=True, verify=origin.trust, timeout=LIMIT) as client:
        client.get(origin.url("/first"))
        return client.post(origin.url(), content=b"12")


def ask_httpx_async(origin: Http2Origin) -> httpx.Response:
    async def main() -> httpx.Response:
        async with httpx.AsyncClient(http2=True, verify=origin.trust, timeout=LIMIT) as client:
            await client.get(origin.url("/first"))
            return await client.post(origin.url(), content=b"12")

    return run(main())


def ask_httpcore(origin: Http2Origin) -> httpcore.Response:
    with httpcore.ConnectionPool(http2=True, ssl_context=origin.trust) as pool:
        pool.request("GET", origin.url("/first"))
        return pool.request("POST", origin.url(), content=b"12")


def ask_httpcore_async(origin: Http2Origin) -> httpcore.Response:
    async def main() -> httpcore.Response:
        async with httpcore.AsyncConnectionPool(http2=True, ssl_context=origin.trust) as pool:
            await pool.request("GET", origin.url("/first"))
            return await pool.request("POST", origin.url(), content=b"12")

    return run(main())


@pytest.mark.parametrize("ask", [ask_httpx, ask_httpx_async, ask_httpcore, ask_httpcore_async])
def test_a_request_over_http_2_is_one_span_that_says_so(
    recording: Recording, origin: Http2Origin, ask: Any
) -> None:
    answer = httpx.Response(200, content=ask(origin).content).json()

    _, span = recording.spans()
    assert answer["version"] == "2"
    assert answer["headers"]["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
    assert span.scope == f"otel_run_instrumentors.{'httpcore' if 'core' in str(ask) else 'httpx'}"
    assert span.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": origin.port,
        "network.protocol.version": "2",
        "server.address": "127.0.0.1",
        "server.port": origin.port,
        "url.full": origin.url(),
    }


def fetch_each(library: str, urls: list[str], timeout: float) -> None:
    """Ask for each over one connection, without TLS."""
    module = import_module(library)
    if "core" in library:
        with module.ConnectionPool(http1=False, http2=True) as pool:
            for url in urls:
                pool.request("GET", url, extensions={"timeout": {"read": timeout}})
    else:
        with module.Client(http1=False, http2=True, timeout=timeout) as client:
            for url in urls:
                client.get(url)


def fetch_each_async(library: str, urls: list[str], timeout: float) -> None:
    """The same in a coroutine."""

    async def main() -> None:
        module = import_module(library)
        if "core" in library:
            async with module.AsyncConnectionPool(http1=False, http2=True) as pool:
                for url in urls:
                    await pool.request("GET", url, extensions={"timeout": {"read": timeout}})
        else:
            async with module.AsyncClient(http1=False, http2=True, timeout=timeout) as client:
                for url in urls:
                    await client.get(url)

    run(main())


@pytest.mark.parametrize("path", ["/reset", "/goaway", "/drop", "/abort", "/hang"])
@pytest.mark.parametrize("requests_before", [0, 2])
@pytest.mark.parametrize("fetch", [fetch_each, fetch_each_async])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_request_that_fails_over_http_2_tells_whom_it_went_to(
    recording: Recording,
    library: str,
    fetch: Callable[[str, list[str], float], None],
    requests_before: int,
    path: str,
) -> None:
    with http2_breaker() as port:
        url = f"http://127.0.0.1:{port}{path}"
        urls = [*[f"http://127.0.0.1:{port}/ok"] * requests_before, url]
        error = raised_by(lambda: fetch(library, urls, 0.3 if path == "/hang" else LIMIT))

    *before, span = recording.spans()
    assert len(before) == requests_before
    assert span.scope == f"otel_run_instrumentors.{library}"
    assert span.attributes == {
        "error.type": full_name(error),
        "http.request.method": "GET",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.full": url,
    }
