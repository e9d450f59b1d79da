"""httpx: one client span per `_send_single_request`, hence one per redirect and auth request.

Every request of a client, sync or async, goes through that method just before a transport, the
program's own too, takes it.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor
from otel_run.engine.http_client import HttpClient, HttpRequest, HttpResponse
from otel_run.engine.peer import Peers
from otel_run.engine.replica import replica

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

TRANSPORTS = frozenset({"HTTPTransport", "AsyncHTTPTransport"})
VERSIONS = {b"HTTP/1.0": 10, b"HTTP/1.1": 11, b"HTTP/2": 20, b"HTTP/3": 30}
PEERS = Peers(lambda stream: stream.get_extra_info("socket"))


def read_request(call: Call) -> HttpRequest:
    request: httpx.Request = call.arg(0, "request")
    return HttpRequest(request.method, str(request.url), request.headers.multi_items)


def read_response(response: httpx.Response) -> HttpResponse:
    told = response.extensions  # by the transport, which need not tell anything
    return HttpResponse(
        response.status_code,
        VERSIONS.get(told.get("http_version", b""), 0),
        response.headers.multi_items,
        PEERS.of(told.get("network_stream")),
    )


def read_sender(call: Call) -> str:
    # A transport of the program's own may send in its own way.
    client: httpx.Client = call.instance
    if not is_plain(client._transport):  # noqa: SLF001
        return ""
    for transport in client._mounts.values():  # noqa: SLF001
        if transport is not None and not is_plain(transport):
            return ""
    return "httpcore"


def is_plain(transport: object) -> bool:
    kind = type(transport)
    return kind.__name__ in TRANSPORTS and kind.__module__.startswith("httpx")


def write_headers(call: Call, headers: Mapping[str, str]) -> None:
    # The program may have built the request, and redirects are built from it: a copy is sent.
    request: httpx.Request = replica(call.arg(0, "request"))
    request.headers = request.headers.copy()
    for name, value in headers.items():  # in half the time of `update`
        request.headers[name] = value
    call.replace(0, "request", request)


INSTRUMENTOR = Instrumentor(
    library="httpx",
    versions=">=0.25",
    convention=HttpClient(read_request, read_response, write_headers, read_sender=read_sender),
    layer=2,
    targets=(
        "httpx._client:Client._send_single_request",
        "httpx._client:AsyncClient._send_single_request",
    ),
)
