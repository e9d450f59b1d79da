"""httpcore: one client span per request that a connection pool, also of a proxy, handles.

All requests of the library go through these methods, from `request` and `stream` as well. Under
httpx there is no span.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Instrumentor
from otel_run.engine.http_client import HttpClient
from otel_run.engine.peer import Peers
from otel_run.engine.raw_headers import fields_as_text, with_fields, write_fields
from otel_run.engine.replica import replica
from otel_run.engine.url import join_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpcore

    from otel_run.engine.http_client import HttpRequest, HttpResponse
    from otel_run.signals.description import Peer

TLS = ("sync:SyncStream.start_tls", "anyio:AnyIOStream.start_tls", "trio:TrioStream.start_tls")
PEERS = Peers(lambda stream: stream.get_extra_info("socket"))
peer_of = PEERS.of  # bound once, as the other below: each response asks both
VERSIONS: dict[object, int] = {b"HTTP/1.0": 10, b"HTTP/1.1": 11, b"HTTP/2": 20, b"HTTP/3": 30}
version_of = VERSIONS.get


def read_request(call: Call) -> HttpRequest:
    request: httpcore.Request = call.arg(0, "request")
    url = request.url
    scheme, host, target = (part.decode("latin-1") for part in (url.scheme, url.host, url.target))
    text = join_url(scheme, host, url.port, target)
    return request.method.decode("latin-1"), text, lambda: fields_as_text(request.headers), 0


def read_response(response: httpcore.Response) -> HttpResponse:
    told = response.extensions
    version, peer = version_of(told.get("http_version"), 0), peer_of(told.get("network_stream"))
    return response.status, version, lambda: fields_as_text(response.headers), peer, 0


def read_peer(call: Call) -> Peer | None:
    # A connection is closed within a request when that fails; or one that is idle, to make room.
    return None if call.instance.is_idle() else peer_of(call.instance._network_stream)  # noqa: SLF001


def write_headers(call: Call, headers: Mapping[str, str]) -> None:
    # The program may have built the request, and may send it again: a copy is sent instead.
    request: httpcore.Request = replica(call.arg(0, "request"))
    request.headers = with_fields(request.headers, headers)
    call.replace(0, "request", request)


def details(protocol: str, close: str) -> Iterator[Detail]:
    """Tell the peer as soon as there is a connection, and when a request fails on it later."""
    # A socket that the other side has reset does not tell any more.
    yield Detail(f"{protocol}.__init__", before=lambda call: peer_of(call.arg(1, "stream")))
    yield Detail(f"{protocol}.{close}", before=read_peer)


def instrumentor(library: str, versions: str) -> Instrumentor:
    return Instrumentor(
        library=library,
        versions=versions,
        convention=HttpClient(
            read_request,
            read_response,
            write_headers,
            # httpx makes another request each time that a transport of the program's own sends one
            # again, of the same body, be it an empty one.
            read_part=lambda call: call.arg(0, "request").stream,
            write_into=lambda call, headers: write_fields(call.arg(0, "request").headers, headers),
        ),
        layer=1,
        targets=(
            f"{library}._sync.connection_pool:ConnectionPool.handle_request",
            f"{library}._async.connection_pool:AsyncConnectionPool.handle_async_request",
            *details(f"{library}._sync.http11:HTTP11Connection", "close"),
            *details(f"{library}._async.http11:AsyncHTTP11Connection", "aclose"),
            # What one request fails for closes no connection that others use.
            *details(f"{library}._sync.http2:HTTP2Connection", "_response_closed"),
            *details(f"{library}._async.http2:AsyncHTTP2Connection", "_response_closed"),
            # One with whom there is no TLS is told before it.
            *(Detail(f"{library}._backends.{one}", before=PEERS.of_instance) for one in TLS),
        ),
    )


INSTRUMENTOR = instrumentor("httpcore", ">=0.18")
