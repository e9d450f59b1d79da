"""requests: one client span per `Session.send`, hence one per redirect.

Every request of the library goes through that function. Retries of an adapter are within it. It
follows redirects by calling itself: its own span ends before, with the response that it has.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor, Note
from otel_run.engine.early import Early
from otel_run.engine.http_client import HttpClient
from otel_run.engine.kinds import Kinds
from otel_run.engine.replica import replica

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import requests

    from otel_run.engine.http_client import HttpRequest, HttpResponse

ADAPTERS = Kinds("requests", HTTPAdapter="send")


def read_request(call: Call) -> HttpRequest:
    request: Any = call.arg(0, "request")
    resends: int = getattr(request, "resends", 0)
    if resends:
        del request.resends  # for the program may send the same one again
    return request.method or "GET", request.url or "", request.headers.items, resends


def read_response(response: requests.Response) -> HttpResponse:
    # raw is urllib3's response, but any file-like object in a test double.
    version: int = getattr(response.raw, "version", 0)
    # What answers to a challenge keeps the responses that came before it.
    resends = len(response.history)
    return response.status_code, version, response.headers.items, None, resends


def read_early_response(call: Call) -> requests.Response:
    response: requests.Response = call.arg(0, "resp")
    return response


def note_redirect(call: Call, _: None) -> None:
    # A redirect's request goes through here, and no other one does.
    request: Any = call.arg(0, "prepared_request")
    response: requests.Response = call.arg(1, "response")
    request.resends = len(response.history) + 1
    # It is a copy of the one before, and may go to who is not to receive what was added to that.
    for name, value in getattr(response.request, "headers_given", {}).items():
        if value is None:
            request.headers.pop(name, None)
        else:
            request.headers[name] = value


def read_refusal(call: Call, error: BaseException) -> object:
    # A hook that raises for the status has the response already.
    response = getattr(error, "response", None)
    is_answer = getattr(response, "request", None) is call.arg(0, "request")
    return response if is_answer else None


def read_sender(call: Call) -> str:
    # An adapter of the program's own may send in its own way.
    adapters = call.instance.adapters
    if not ADAPTERS.known.issuperset(map(type, adapters.values())):
        url = (call.arg(0, "request").url or "").lower()
        chosen = (one for prefix, one in adapters.items() if url.startswith(prefix.lower()))
        if not ADAPTERS.include((next(chosen, None),)):
            return ""
    return "urllib3"


def write_headers(call: Call, headers: Mapping[str, str]) -> None:
    # The program may have prepared the request, and may send it again: a copy is sent instead.
    request: Any = replica(call.arg(0, "request"))
    request.headers_given = {name: request.headers.get(name) for name in headers}
    request.headers = request.headers.copy()
    for name, value in headers.items():
        request.headers[name] = value
    call.replace(0, "request", request)


INSTRUMENTOR = Instrumentor(
    library="requests",
    versions=">=2.25",
    convention=HttpClient(
        read_request,
        read_response,
        write_headers,
        read_sender=read_sender,
        read_refusal=read_refusal,
    ),
    layer=2,
    targets=(
        "requests.sessions:Session.send",
        Early("requests.sessions:SessionRedirectMixin.get_redirect_target", read_early_response),
        Note("requests.sessions:SessionRedirectMixin.rebuild_method", note_redirect),
    ),
)
