"""aiohttp: one client span for each request that `ClientSession._request` sends.

It follows redirects, and repeats what a closed connection took, in a loop of its own. In it a
connector is asked for a connection, the request sent on it, and the response started. Nothing is
made for a session, and the program's trace configurations are left alone.
Before 3.10 nobody tells whom a connection got to on which no TLS came about.
"""

from __future__ import annotations

from operator import attrgetter

from otel_run.engine import Instrumentor
from otel_run.engine.hops import Hops
from otel_run.engine.http_client import HttpClient
from otel_run.engine.peer import Peers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from aiohttp.client_reqrep import ClientRequest, ClientResponse

    from otel_run.engine.http_client import HttpRequest, HttpResponse

VERSIONS: dict[Any, int] = {(0, 9): 9, (1, 0): 10, (1, 1): 11}


def read_request(request: ClientRequest) -> HttpRequest:
    return request.method, request.url, request.headers.items, 0


def read_response(response: ClientResponse) -> HttpResponse:
    version = VERSIONS.get(response.version, 0)
    return response.status, version, response.headers.items, None, 0


def write_headers(request: ClientRequest, headers: Mapping[str, str]) -> None:
    request.headers.update(headers)  # made for this hop, as the request is


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
            answer="aiohttp.client_reqrep:ClientResponse.start",
            answer_name="connection",
            close="aiohttp.connector:Connection.close",
            reach="aiohttp.connector:aiohappyeyeballs.start_connection",
            read_transport=attrgetter("transport"),
            peers=Peers(lambda transport: transport.get_extra_info("socket")),
        ),
    ),
)
