"""requests: one client span per `Session.send`, hence one per redirect.

Every request of the library goes through that function. Retries of an adapter are within it. It
follows redirects by calling itself: its own span ends before, with the response that it has.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Instrumentor, Note
from otel_run.engine.http_client import HttpClient
from otel_run.engine.replica import replica

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import requests

    from otel_run.engine.http_client import HttpRequest, HttpResponse


MULTIPLE_CHOICES = 300


def read_request(call: Call) -> HttpRequest:
    request: requests.PreparedRequest = call.arg(0, "request")
    return request.method or "GET", request.url or "", request.headers.items


def read_response(response: requests.Response) -> HttpResponse:
    # raw is urllib3's response, but any file-like object in a test double.
    version: int = getattr(response.raw, "version", 0)
    # What answers to a challenge keeps the responses that came before it.
    resends = len(response.history)
    return response.status_code, version, response.headers.items, None, resends


def read_redirect(call: Call) -> HttpResponse | None:
    response: requests.Response = call.arg(0, "resp")
    # The status says it at once of most responses, and `is_redirect` takes a while.
    if response.status_code < MULTIPLE_CHOICES or not response.is_redirect:
        return None
    request: Any = replica(call.arg(1, "req"))
    # The next one is a copy of this request, and may go to who is not to receive what was added.
    request.headers = getattr(request, "headers_before", request.headers)
    call.replace(1, "req", request)
    return read_response(response)


def note_resend(call: Call, _: None) -> None:
    # A redirect's request goes through here, and no other one does.
    request: Any = call.arg(0, "prepared_request")
    response: requests.Response = call.arg(1, "response")
    request.resends = len(response.history) + 1


def read_resend(call: Call) -> int:
    # Taken off, for the program may send the same one again.
    resends: int = call.arg(0, "request").__dict__.pop("resends", 0)
    return resends


def read_sender(call: Call) -> str:
    # An adapter of the program's own may send in its own way.
    for adapter in call.instance.adapters.values():
        if type(adapter).__module__ != "requests.adapters":
            return ""
    return "urllib3"


def write_headers(call: Call, headers: Mapping[str, str]) -> None:
    # The program may have prepared the request, and may send it again: a copy is sent instead.
    request: Any = replica(call.arg(0, "request"))
    request.headers_before = request.headers
    request.headers = request.headers.copy()
    for name, value in headers.items():
        request.headers[name] = value
    call.replace(0, "request", request)


INSTRUMENTOR = Instrumentor(
    library="requests",
    versions=">=2.25",
    convention=HttpClient(read_request, read_response, write_headers, read_resend, read_sender),
    layer=2,
    targets=(
        "requests.sessions:Session.send",
        Detail("requests.sessions:SessionRedirectMixin.resolve_redirects", before=read_redirect),
        Note("requests.sessions:SessionRedirectMixin.rebuild_method", note_resend),
    ),
)
