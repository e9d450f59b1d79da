"""http.client: one client span from `endheaders` to `getresponse`.

A request is made of several calls, whether the program writes them or `HTTPConnection.request`
does; with `endheaders` it leaves. One whose response nobody fetches ends with its connection.
Within a library that is built on this one there is no span: the outer one is told the peer, and its
headers are sent.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.exchange import Exchange
from otel_run.engine.http_client import HttpClient
from otel_run.engine.peer import Peers
from otel_run.engine.raw_headers import lines_as_text, write_lines
from otel_run.engine.url import join_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPConnection, HTTPResponse

    from otel_run.engine.http_client import HttpRequest, HttpResponse
    from otel_run.signals.description import Peer


# A socket that the other side has reset does not tell any more.
PEERS = Peers(lambda sock: sock)


def read_request(connection: HTTPConnection) -> HttpRequest | None:
    lines = buffer_of(connection)
    if not lines:  # there is no request: this call fails
        return None
    scheme = "https" if connection.default_port == 443 else "http"  # noqa: PLR2004
    host = getattr(connection, "_tunnel_host", None) or connection.host
    port = getattr(connection, "_tunnel_port", None) or connection.port
    method, _, rest = lines[0].decode("latin-1").partition(" ")
    url = join_url(scheme, host, port, rest.rpartition(" ")[0])
    return method, url, lambda: lines_as_text(buffer_of(connection)[1:]), 0


def buffer_of(connection: HTTPConnection) -> list[bytes]:
    return connection._buffer  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001


def read_response(response: HTTPResponse) -> HttpResponse:
    return response.status, response.version, response.getheaders, None, 0


def read_peer(connection: HTTPConnection) -> Peer | None:
    return PEERS.of(connection.sock)


def write_headers(connection: HTTPConnection, headers: Mapping[str, str]) -> None:
    # `buffer_of`, without its frame
    write_lines(connection._buffer, headers)  # type: ignore[attr-defined]  # noqa: SLF001


INSTRUMENTOR = Instrumentor(
    library="http.client",
    versions=">=3.10",
    convention=HttpClient(read_request, read_response, write_headers),
    layer=0,
    targets=(
        Exchange(
            connect="http.client:HTTPConnection.connect",
            send="http.client:HTTPConnection.endheaders",
            answer="http.client:HTTPConnection.getresponse",
            close="http.client:HTTPConnection.close",
            read_peer=read_peer,
        ),
    ),
)
