"""urllib.request: one client span per `AbstractHTTPHandler.do_open`, hence one per redirect.

Openers, handlers and `urlopen` all end in this method for http and https.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor, Note
from otel_run.engine.http_client import HttpClient, HttpRequest, HttpResponse
from otel_run.engine.replica import replica

TYPE_CHECKING = False
if TYPE_CHECKING:
    import http.client
    import urllib.request
    from collections.abc import Mapping
    from typing import Any


def read_request(call: Call) -> HttpRequest:
    request: urllib.request.Request = call.arg(1, "req")
    return HttpRequest(request.get_method(), request.full_url, request.header_items)


def read_response(response: http.client.HTTPResponse) -> HttpResponse:
    return HttpResponse(response.status, response.version, response.headers.items)


def note_resend(call: Call, request: Any) -> None:
    if request is not None:  # that of a redirect, made for it
        request.resends = getattr(call.arg(0, "req"), "resends", 0) + 1


def read_resend(call: Call) -> int:
    resends: int = getattr(call.arg(1, "req"), "resends", 0)
    return resends


def write_headers(call: Call, headers: Mapping[str, str]) -> None:
    # The program may send its request again, elsewhere: a copy is sent instead.
    request: urllib.request.Request = replica(call.arg(1, "req"))
    request.unredirected_hdrs = dict(request.unredirected_hdrs)
    for name, value in headers.items():
        request.add_unredirected_header(name, value)
    call.replace(1, "req", request)


INSTRUMENTOR = Instrumentor(
    library="urllib.request",
    versions=">=3.10",
    convention=HttpClient(read_request, read_response, write_headers, read_resend),
    layer=1,
    targets=(
        "urllib.request:AbstractHTTPHandler.do_open",
        Note("urllib.request:HTTPRedirectHandler.redirect_request", note_resend),
    ),
)
