"""urllib3: one client span per `HTTPConnectionPool._make_request`, hence one per attempt.

`urlopen` calls itself for retries and redirects; below it, each request that goes out is one call
of this method, in 1.26 and in 2.
"""

from __future__ import annotations

from http.client import HTTPConnection

from otel_run.engine import Call, Detail, Instrumentor
from otel_run.engine.http_client import HttpClient
from otel_run.engine.peer import peer_of
from otel_run.engine.surrounding import Surrounding
from otel_run.engine.url import join_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import Any

    import urllib3

    from otel_run.engine.http_client import HttpRequest, HttpResponse
    from otel_run.signals.description import Peer


def passes_no_retries(urlopen: Any) -> bool:
    # So it is in 1.26.
    within = urlopen.__globals__["HTTPConnectionPool"]._make_request  # noqa: SLF001
    # It may have been patched already.
    return "retries" not in getattr(within, "__wrapped__", within).__code__.co_varnames


URLOPEN = Surrounding("urllib3.connectionpool:HTTPConnectionPool.urlopen", passes_no_retries)


def read_request(call: Call) -> HttpRequest:
    pool: urllib3.HTTPConnectionPool = call.instance
    url = join_url(pool.scheme or "http", pool.host, pool.port, call.arg(2, "url"))
    headers: Mapping[str, str] = call.arg(4, "headers") or {}
    return call.arg(1, "method"), url, headers.items, read_repeat(call)


def read_response(response: urllib3.HTTPResponse) -> HttpResponse:
    return response.status, response.version, response.headers.items, None, 0


def read_repeat(call: Call) -> int:
    retries = call.kwargs.get("retries")
    if retries is None and (around := URLOPEN.call) is not None:
        retries = around.arg(4, "retries")
    return len(getattr(retries, "history", ()))


def read_sender(call: Call) -> str:
    # A connection of another kind, HTTP/2's, or a double of the program's, sends in its own way.
    found = getattr(type(call.arg(0, "conn")), "endheaders", None)
    return "http.client" if found is HTTPConnection.endheaders else ""


def read_peer(call: Call) -> Peer | None:
    # Here, and not from http.client: these connect in their own way.
    return peer_of(call.instance.sock)


def write_headers(call: Call, headers: Mapping[str, str]) -> None:
    # The mapping is the caller's, or the pool's: a copy is passed instead, of the same kind, for
    # HTTPHeaderDict has several values to a name.
    given: Mapping[str, str] = call.arg(4, "headers") or {}
    passed: MutableMapping[str, str] = given.copy() if hasattr(given, "copy") else dict(given)
    for name in [name for name in passed if name.lower() in headers]:
        del passed[name]
    passed.update(headers)
    call.replace(4, "headers", passed)


INSTRUMENTOR = Instrumentor(
    library="urllib3",
    versions=">=1.26",
    convention=HttpClient(
        read_request, read_response, write_headers, read_sender=read_sender, read_repeat=read_repeat
    ),
    layer=1,
    targets=(
        URLOPEN,
        "urllib3.connectionpool:HTTPConnectionPool._make_request",
        Detail("urllib3.connection:HTTPConnection.connect", after=read_peer),
        Detail("urllib3.connection:HTTPSConnection.connect", after=read_peer),
        # One with whom there is no TLS is not told after it. Patched where it is called, for it may
        # have been imported from its own module before.
        Detail(
            "urllib3.connection:ssl_wrap_socket", before=lambda call: peer_of(call.arg(0, "sock"))
        ),
    ),
)
