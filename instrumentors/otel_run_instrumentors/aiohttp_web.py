"""aiohttp.web: one server span per request, from its headers to the last byte of its response.

`RequestHandler._handle_request` runs the handler, and prepares and sends what it returns. The route
is known by the time that the response's headers are written, or that there is none, and
`handle_error` gets what no handler took. What a handler or a middleware took and answered with a
5xx is noted on that response, which is sent when nothing of it is known any more. A request that
becomes a WebSocket ends with the response that says so.
"""

from __future__ import annotations

import sys

from otel_run.engine import Call, Detail, Instrumentor, Note
from otel_run.engine.failure import handled_since
from otel_run.engine.http_server import (
    RESPONSE_HEADERS,
    SERVER_ERROR,
    SWITCHING_PROTOCOLS,
    HttpServer,
)
from otel_run.engine.http_server_detail import HttpServerDetail
from otel_run.engine.http_server_request import HttpServerRequest, Marks
from otel_run.engine.url import path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

VERSIONS = {(1, 1): "1.1", (1, 0): "1.0"}

MARKS = Marks(str)

# A name that no class of the program's has for something else.
HANDLED = "_otel_run_handled"


class AiohttpRequest(HttpServerRequest):
    """What a request of the server's tells."""

    __slots__ = ("request",)

    request: web.BaseRequest

    def header(self, name: str) -> str | None:
        return self.request.headers.get(name)

    def headers(self) -> Iterator[tuple[str, str]]:
        return read_headers(self.request)


def read_request(request: web.BaseRequest) -> AiohttpRequest | None:
    headers = request.headers
    # What stands for one that could not be parsed.
    if not headers and request.method == "UNKNOWN":
        return None
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    made = AiohttpRequest()
    made.request = request
    made.caller = (
        request.method,
        request.scheme,
        headers.get("Host"),
        VERSIONS.get(request.version),
        peer if isinstance(peer, tuple) else None,
        headers.get("User-Agent"),
    )
    made.path, made.query = read_target(request)
    made.is_continued = made.is_forwarded = False
    if not MARKS.all.isdisjoint(map(str.lower, headers)):
        MARKS.tell(made, frozenset(map(str.lower, headers)))
    return made


def read_target(request: web.BaseRequest) -> tuple[str, str]:
    path, _, query = path_of(request.raw_path).partition("?")
    return path, query


def read_headers(message: web.BaseRequest | web.StreamResponse) -> Iterator[tuple[str, str]]:
    for name, value in message.headers.items():
        yield name.lower(), value


def note_handled(call: Call, _: None) -> None:
    response: web.StreamResponse = call.instance
    if response.status >= SERVER_ERROR and not isinstance(response, BaseException):
        response.__dict__[HANDLED] = handled_since(None)


def read_response(call: Call) -> HttpServerDetail | int:
    response: web.StreamResponse = call.instance
    status = response.status
    if SWITCHING_PROTOCOLS < status < SERVER_ERROR and not RESPONSE_HEADERS.wanted:
        return status  # all that is left
    request = response._req  # noqa: SLF001
    handled = error = None
    if status >= SERVER_ERROR:
        # Not left there: the frames that it came through may hold the response.
        error = response.__dict__.pop(HANDLED, None)
        if has_hung_up(request, sys.exc_info()[1]):
            status, error = 0, None  # nobody receives what it is answered with
    # A handler may have raised it.
    if isinstance(response, BaseException):
        handled = response
    return HttpServerDetail(error, status, headers=read_headers(response), handled=handled)


def read_route(_: object, request: web.BaseRequest) -> str | None:
    # A server without an application has no routes.
    found = getattr(request, "_match_info", None)
    # What a router of the program's finds need not have a route.
    route = getattr(found, "route", None)
    resource = None if route is None else route.resource
    return None if resource is None else resource.canonical


def read_exception(call: Call) -> HttpServerDetail | None:
    request: web.BaseRequest = call.arg(0, "request")
    # Of a handler's time out it is not told, but called while that is handled.
    error: BaseException | None = call.arg(2, "exc") or sys.exc_info()[1]
    if call.arg(1, "status", SERVER_ERROR) < SERVER_ERROR or has_hung_up(request, error):
        return None
    return HttpServerDetail(error=error)


def has_hung_up(request: web.BaseRequest | None, error: BaseException | None) -> bool:
    transport = None if request is None else request.transport
    return (transport is None or transport.is_closing()) and is_hang_up(error)


def is_hang_up(error: BaseException | None) -> bool:
    # What leaves `_handle_request`: whatever else a handler raises has become a response.
    return isinstance(error, ConnectionError)


INSTRUMENTOR = Instrumentor(
    library="aiohttp.web",
    versions=">=3.8",
    convention=HttpServer(
        read_request, ("request",), read_detail=read_route, is_hang_up=is_hang_up
    ),
    layer=1,
    targets=(
        "aiohttp.web_protocol:RequestHandler._handle_request",
        Detail("aiohttp.web_protocol:RequestHandler.handle_error", before=read_exception),
        Note("aiohttp.web_response:StreamResponse.__init__", note_handled, is_handling=True),
        Note("aiohttp.web_response:StreamResponse.set_status", note_handled, is_handling=True),
        Detail("aiohttp.web_response:StreamResponse._write_headers", before=read_response),
    ),
)
