"""http.client: one client span from `endheaders` to `getresponse`.

A request is made of several calls, whether the program writes them or `HTTPConnection.request`
does; with `endheaders` it leaves. One whose response nobody fetches ends with its connection.
Within a library that is built on this one there is no span: the outer one is told the peer, and its
headers are sent.
"""

from __future__ import annotations

from operator import attrgetter

from otel_run.engine import Instrumentor
from otel_run.engine.exchange import Exchange
from otel_run.engine.http_client import HttpClient
from otel_run.engine.url import join_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http.client import HTTPConnection, HTTPResponse

    from otel_run.engine.http_client import HttpRequest, HttpResponse


def read_request(connection: HTTPConnection) -> HttpRequest | None:
    lines = buffer_of(connection)
    if not lines:  # there is no request: this call fails
        return None
    scheme = "https" if connection.default_port == 443 else "http"  # noqa: PLR2004
    host = getattr(connection, "_tunnel_host", None) or connection.host
    port = getattr(connection, "_tunnel_port", None) or connection.port
    method, _, rest = lines[0].decode("latin-1").partition(" ")
    url = join_url(scheme, host, port, rest.rpartition(" ")[0])
    return method, url, lambda: waiting_headers(connection), 0


def buffer_of(connection: HTTPConnection) -> list[bytes]:
    return connection._buffer  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001


def waiting_headers(connection: HTTPConnection) -> Iterator[tuple[str, str]]:
    for line in buffer_of(connection)[1:]:
        name, _, value = line.decode("latin-1").partition(":")
        yield name, value.strip()


def read_response(response: HTTPResponse) -> HttpResponse:
    return response.status, response.version, response.getheaders, None, 0


def write_headers(connection: HTTPConnection, headers: Mapping[str, str]) -> None:
    lines = buffer_of(connection)
    given = b"\n".join(lines).lower()
    for name, value in headers.items():
        # Most often it is not there, and one look at all of them tells; `in` takes longer.
        if given.find(name.encode()) >= 0:
            # What the program passed on from elsewhere would stand beside ours, and spoil both.
            start = f"{name}:".encode()
            lines[1:] = [one for one in lines[1:] if one[: len(start)].lower() != start]
        lines.append(f"{name}: {value}".encode("latin-1"))


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
            read_socket=attrgetter("sock"),
        ),
    ),
)
