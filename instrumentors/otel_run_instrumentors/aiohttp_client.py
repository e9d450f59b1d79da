"""aiohttp: one client span for each request that `ClientSession._request` sends.

It follows redirects, and repeats what a closed connection took, in a loop of its own. In it a
connector is asked for a connection, the request sent on it, and the response started. Nothing is
made for a session, and the program's trace configurations are left alone.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor
from otel_run.engine.hops import Hops
from otel_run.engine.http_client import HttpClient
from otel_run.engine.peer import peer_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.client_reqrep import ClientRequest, ClientResponse
    from aiohttp.connector import Connection

    from otel_run.engine.http_client import HttpRequest, HttpResponse
    from otel_run.signals.description import Peer


def read_request(call: Call) -> HttpRequest:
    request: ClientRequest = call.arg(0, "req")
    return request.method, str(request.url), request.headers.items


def read_response(response: ClientResponse) -> HttpResponse:
    version = response.version
    number = version.major * 10 + version.minor if version else 0
    return response.status, number, response.headers.items, None, 0


def read_peer(call: Call) -> Peer | None:
    connection: Connection = call.arg(0, "conn")
    transport = connection.transport
    return None if transport is None else peer_at(transport.get_extra_info("peername"))


def write_headers(call: Call, headers: Mapping[str, str]) -> None:
    request: ClientRequest = call.instance  # made for this hop, its headers too
    request.headers.update(headers)


INSTRUMENTOR = Instrumentor(
    library="aiohttp.client",
    versions=">=3.8",
    convention=HttpClient(read_request, read_response, write_headers),
    layer=1,
    targets=(
        Hops(
            around="aiohttp.client:ClientSession._request",
            start="aiohttp.connector:BaseConnector.connect",
            start_name="req",
            send="aiohttp.client_reqrep:ClientRequest.send",
            answer="aiohttp.client_reqrep:ClientResponse.start",
            read_peer=read_peer,
        ),
    ),
)
