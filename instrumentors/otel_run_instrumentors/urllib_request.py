"""urllib.request: one client span per `AbstractHTTPHandler.do_open`, hence one per redirect.

Openers, handlers and `urlopen` all end in this method for http and https.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor, Note
from otel_run.engine.http_client import HttpClient
from otel_run.engine.replica import replica
from otel_run.engine.resends import count_sending, follow
from otel_run.engine.surrounding import Surrounding

TYPE_CHECKING = False
if TYPE_CHECKING:
    import http.client
    import urllib.request
    from collections.abc import Mapping

    from otel_run.engine.http_client import HttpRequest, HttpResponse


# What handlers send within it answers the response that it is given, with the request to that.
HANDLING = Surrounding("urllib.request:OpenerDirector.error")


def read_request(call: Call) -> HttpRequest:
    request: urllib.request.Request = call.arg(1, "req")
    answered = HANDLING.call
    is_answer = answered is not None and answered.args[1:2] == (request,)
    resends = count_sending(request, is_answer=is_answer)
    return request.get_method(), request.full_url, request.header_items, resends


def read_response(response: http.client.HTTPResponse) -> HttpResponse:
    return response.status, response.version, response.headers.items, None, 0


def note_redirect(call: Call, request: urllib.request.Request | None) -> None:
    if request is not None:
        follow(call.arg(0, "req"), request)


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
    convention=HttpClient(read_request, read_response, write_headers),
    layer=1,
    targets=(
        HANDLING,
        "urllib.request:AbstractHTTPHandler.do_open",
        Note("urllib.request:HTTPRedirectHandler.redirect_request", note_redirect),
    ),
)
