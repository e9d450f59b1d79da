"""Django: one server span per request of its handlers, unless their server made one already.

WSGI, ASGI and the test clients each have a handler that every request enters. The route is known
once `resolve_request` has run. `process_exception_by_middleware` gets what a view raises, and
`handle_uncaught_exception` what no middleware took either, before an error handler answers it.
Django REST framework and Django Ninja answer what their views raise before Django hears of it.
Nothing here asks for Django's settings.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Function, Instrumentor
from otel_run.engine.asked import Asked
from otel_run.engine.forms import iterable
from otel_run.engine.http_server import HttpServer
from otel_run.engine.http_server_detail import HttpServerDetail, Route
from otel_run_instrumentors import asgi, gateways, wsgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from django.http import HttpRequest, HttpResponseBase

    from otel_run.engine.forms import Stream
    from otel_run.engine.http_server_request import HttpServerRequest


def read_request(scope: dict[str, Any]) -> HttpServerRequest | None:
    if "type" not in scope:
        return wsgi.read_request(scope)
    query = scope.get("query_string")
    if isinstance(query, str):  # so it is, and not bytes, in a test client's scope
        scope = {**scope, "query_string": query.encode()}
    return asgi.read_request(scope)


def read_result(call: Call, result: HttpResponseBase | None) -> HttpServerDetail | None:
    # The handler of a test client is told of a request alone; it returns the response.
    if result is None or len(call.args) + len(call.kwargs) > 1:
        return None
    return HttpServerDetail(status=result.status_code, headers=result.items())


def is_whole(call: Call, result: object) -> bool:
    """Tell whether nothing is left to be made: the response has its content, and can be told."""
    return not getattr(result, "streaming", True) or wsgi.is_whole(call, result)


def place(response: HttpResponseBase, stream: Callable[[Any], Stream]) -> object:
    """Have the content of a response followed; whoever calls the handler gets the response."""
    if getattr(response, "is_async", True):  # which Django collects when it is iterated over
        return stream(response)
    parts = vars(response)
    content, closers = parts["_iterator"], parts["_resource_closers"]
    parts["_iterator"] = follower = stream(content)
    close = getattr(content, "close", None)
    # Closed once, and within the operation.
    at = closers.index(close) if close in closers else len(closers)
    closers[at : at + 1] = (follower.close,)
    return response


def read_subject(request: HttpRequest | None) -> object:
    # One that the program has made up has neither.
    return getattr(request, "environ", None) or getattr(request, "scope", None)


def read_route(_: object, request: HttpRequest) -> str | Route | None:
    match = request.resolver_match
    if match is None:
        return None
    route = match.route
    root = request.META.get("SCRIPT_NAME")
    if root or not route.startswith("^"):  # a regular expression says itself where it begins
        route = f"{root or ''}/{route}"
    scope = getattr(request, "scope", None)
    # What it is mounted in has told its part of the route, and Django knows the whole.
    return route if scope is None else Route(route, inner=scope)


def read_handled(call: Call) -> HttpServerDetail:
    subject = read_subject(call.arg(1, "request"))
    return HttpServerDetail(handled=call.arg(0, "exception"), subject=subject)


def read_restful(call: Call) -> HttpServerDetail:
    subject = read_subject(getattr(call.instance, "request", None))  # not all have been called
    return HttpServerDetail(handled=call.arg(0, "exc"), subject=subject)


def read_ninja(call: Call) -> HttpServerDetail:
    subject = read_subject(call.arg(0, "request"))
    return HttpServerDetail(handled=call.arg(1, "exc"), subject=subject)


def read_exception(call: Call) -> HttpServerDetail | None:
    error = call.arg(2, "exc_info")[1]
    # The program may hand on other requests than the one that it was sent.
    subject = read_subject(call.arg(0, "request"))
    return wsgi.detail_of(error, subject)


SERVE = iterable(is_whole, place)

INSTRUMENTOR = Instrumentor(
    library="django",
    versions=">=4.2",
    convention=HttpServer(
        read_request,
        ("environ", "scope", "request"),
        gateways.observe,
        read_result=read_result,
        is_hang_up=wsgi.is_hang_up,
        is_same=gateways.is_same,
    ),
    layer=0,
    targets=(
        Function("django.core.handlers.wsgi:WSGIHandler.__call__", SERVE),
        Function("django.core.handlers.asgi:ASGIHandler.__call__", asgi.SERVE),
        "django.test.client:ClientHandler.__call__",
        "django.test.client:AsyncClientHandler.__call__",
        Asked("django.core.handlers.base:BaseHandler.resolve_request", read_route, read_subject),
        Detail(
            "django.core.handlers.base:BaseHandler.process_exception_by_middleware",
            before=read_handled,
        ),
        Detail("django.core.handlers.exception:handle_uncaught_exception", before=read_exception),
        Detail(
            "rest_framework.views:APIView.handle_exception", before=read_restful, is_optional=True
        ),
        Detail("ninja.main:NinjaAPI.on_exception", before=read_ninja, is_optional=True),
    ),
)
