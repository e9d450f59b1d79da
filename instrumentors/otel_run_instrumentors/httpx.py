"""httpx: one client span per `_send_single_request`, hence one per redirect and auth request.

Every request of a client, sync or async, goes through that method just before a transport, the
program's own too, takes it.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor, Note
from otel_run.engine.http_client import HttpClient
from otel_run.engine.kinds import Kinds
from otel_run.engine.replica import replica
from otel_run.engine.resends import Beginning, count_sending, follow
from otel_run_instrumentors.httpcore import peer_of, version_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from otel_run.engine.http_client import HttpRequest, HttpResponse


def read_request(call: Call) -> HttpRequest:
    request: httpx.Request = call.arg(0, "request")
    # The parts of the URL, which are put together where it is not known yet.
    url = request.url._uri_reference  # noqa: SLF001
    return request.method, url, request.headers.multi_items, count_sending(request)


def read_response(response: httpx.Response) -> HttpResponse:
    told = response.extensions  # a transport need not tell
    version, peer = version_of(told.get("http_version"), 0), peer_of(told.get("network_stream"))
    return response.status_code, version, response.headers.multi_items, peer, 0


def note_redirect(call: Call, request: httpx.Request) -> None:
    follow(call.arg(0, "request"), request)


def write_headers(call: Call, headers: Mapping[str, str]) -> None:
    # The program may have built the request, and redirects are built from it: a copy is sent.
    request: httpx.Request = replica(call.arg(0, "request"))
    request.headers = request.headers.copy()
    for name, value in headers.items():  # in half the time of `update`
        request.headers[name] = value
    call.replace(0, "request", request)


def instrumentor(library: str, versions: str, sender: str) -> Instrumentor:
    kinds = Kinds(
        library, HTTPTransport="handle_request", AsyncHTTPTransport="handle_async_request"
    )
    known = kinds.known

    def read_sender(call: Call) -> str:
        # A transport of the program's own may send in its own way.
        client: httpx.Client = call.instance
        transport, mounts = client._transport, client._mounts  # noqa: SLF001
        if mounts:
            return sender if kinds.include((transport, *filter(None, mounts.values()))) else ""
        return sender if type(transport) in known or kinds.include((transport,)) else ""

    return Instrumentor(
        library=library,
        versions=versions,
        convention=HttpClient(read_request, read_response, write_headers, read_sender=read_sender),
        layer=2,
        targets=(
            f"{library}._client:Client._send_single_request",
            f"{library}._client:AsyncClient._send_single_request",
            # What an auth flow sends again goes through neither.
            Beginning(f"{library}._client:BaseClient._build_request_auth", "request"),
            Note(f"{library}._client:BaseClient._build_redirect_request", note_redirect),
        ),
    )


INSTRUMENTOR = instrumentor("httpx", ">=0.25", "httpcore")
