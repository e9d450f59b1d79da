"""httpx: one client span per `_send_single_request`, hence one per redirect and auth request.

Every request of a client, sync or async, goes through that method just before a transport, the
program's own too, takes it.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor, Note
from otel_run.engine.http_client import HttpClient
from otel_run.engine.replica import replica
from otel_run.engine.resends import begin, count_sending, follow
from otel_run_instrumentors.httpcore import told_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from otel_run.engine.http_client import HttpRequest, HttpResponse

TRANSPORTS = frozenset({"HTTPTransport", "AsyncHTTPTransport"})


def read_request(call: Call) -> HttpRequest:
    request: httpx.Request = call.arg(0, "request")
    return request.method, str(request.url), request.headers.multi_items


def read_response(response: httpx.Response) -> HttpResponse:
    version, peer = told_by(response.extensions)
    return response.status_code, version, response.headers.multi_items, peer, 0


def note_begin(call: Call, _: object) -> None:
    begin(call.arg(0, "request"))


def note_redirect(call: Call, request: httpx.Request) -> None:
    follow(call.arg(0, "request"), request)


def sends_itself(client: httpx.Client) -> bool:
    """Tell whether a transport of the program's own may send, in its own way."""
    mounts = client._mounts  # noqa: SLF001
    if not is_plain(client._transport):  # noqa: SLF001
        return True
    return bool(mounts) and not all(map(is_plain, filter(None, mounts.values())))


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


def instrumentor(library: str, versions: str, sender: str) -> Instrumentor:
    return Instrumentor(
        library=library,
        versions=versions,
        convention=HttpClient(
            read_request,
            read_response,
            write_headers,
            lambda call: count_sending(call.arg(0, "request")),
            read_sender=lambda call: "" if sends_itself(call.instance) else sender,
        ),
        layer=2,
        targets=(
            f"{library}._client:Client._send_single_request",
            f"{library}._client:AsyncClient._send_single_request",
            # What an auth flow sends again goes through neither.
            Note(f"{library}._client:BaseClient._build_request_auth", note_begin),
            Note(f"{library}._client:BaseClient._build_redirect_request", note_redirect),
        ),
    )


INSTRUMENTOR = instrumentor("httpx", ">=0.25", "httpcore")
