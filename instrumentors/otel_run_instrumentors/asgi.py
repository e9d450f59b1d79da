"""ASGI: how to read what its specification lays down, for the frameworks and servers that speak it.

Only scopes of the type `http` are requests.
"""

from __future__ import annotations

from otel_run.engine.asgi import application, observe, silence
from otel_run.engine.http_server import HttpServer
from otel_run.engine.http_server_detail import HttpServerDetail
from otel_run.engine.http_server_request import HttpServerRequest, Marks
from otel_run.engine.raw_headers import fields_as_text
from otel_run.engine.url import path_of, quote_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from otel_run.engine import Call


class Keys(dict[str, bytes]):
    """The names of headers as the scope has them, each made once."""

    def __missing__(self, name: str) -> bytes:
        self[name] = key = name.encode("latin-1")
        return key


SUBJECT = ("scope",)

KEYS = Keys()
# Of a scope; what need not be there is None.
NAMES = (
    "type",
    "method",
    "scheme",
    "http_version",
    "client",
    "raw_path",
    "query_string",
    "headers",
)

MARKS = Marks(KEYS.__getitem__)
# Starlette's exception, and uvicorn's.
HANG_UPS = frozenset(("ClientDisconnect", "ClientDisconnected"))


class AsgiRequest(HttpServerRequest):
    """What a scope tells."""

    __slots__ = ("fields", "pairs")

    fields: dict[bytes, bytes]
    pairs: Iterable[tuple[bytes, bytes]]

    def header(self, name: str) -> str | None:
        value = self.fields.get(KEYS[name])
        return None if value is None else value.decode("latin-1")

    def headers(self) -> Iterator[tuple[str, str]]:
        return fields_as_text(self.pairs)


def read_request(scope: Any) -> AsgiRequest | None:
    kind, method, scheme, version, client, path, query, pairs = map(scope.get, NAMES)
    if kind != "http":
        return None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        fields = joined(pairs)
    if type(client) is list:
        client = tuple(client)
    host = fields.get(b"host") or server_of(scope)
    request = AsgiRequest()
    request.pairs = pairs
    request.fields = fields
    request.caller = method, scheme, host, version, client, fields.get(b"user-agent")
    path = path.decode("latin-1") if path else quote_path(scope["path"] or "/", "utf-8")
    request.path = path if path[0] == "/" and "?" not in path else path_of(path.partition("?")[0])
    request.query = query.decode("latin-1") if query else ""
    request.is_continued = request.is_forwarded = False
    names = fields.keys()
    if not names.isdisjoint(MARKS.all):
        MARKS.tell(request, names)
    return request


def is_same(one: Any, other: dict[str, Any]) -> bool:
    """Tell whether a scope was made of another one.

    Middleware copies scopes, deeply too, and makes headers or the path anew. What it does not make
    anew are the very objects that came from the server, and a client within the program makes its
    own. Single bytes are always the same objects, the path `/` among them.
    """
    if not isinstance(one, dict) or "headers" not in one:
        return False
    path = one.get("raw_path")
    if path is not other.get("raw_path"):
        return not identities(one["headers"]).isdisjoint(identities(other["headers"]))
    if path is not None and len(path) > 1:
        return True
    return not identities(value for _, value in one["headers"]).isdisjoint(
        identities(value for _, value in other["headers"])
    )


def identities(parts: Iterable[Any]) -> set[int]:
    return {id(part) for part in parts if len(part) > 1}


def joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the headers where some stand there more than once."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        fields[name] = fields[name] + b"," + value if name in fields else value
    return fields


def server_of(scope: dict[str, Any]) -> str:
    server = scope.get("server")
    if not server or not server[1]:  # a socket of the file system has no port
        return ""
    return f"{server[0]}:{server[1]}"


def is_hang_up(error: BaseException) -> bool:
    # Of a task group, all that its tasks raised.
    errors: Iterable[BaseException] = getattr(error, "exceptions", None) or (error,)
    return all(type(one).__name__ in HANG_UPS for one in errors)


def read_bridge(call: Call) -> HttpServerDetail:
    """Read how a WSGI application within knows the request."""
    return HttpServerDetail(inner=call.arg(0, "environ"))


def convention(is_waiting: Callable[[Any], bool] | None = None) -> HttpServer:
    """Return the convention for one more library that speaks ASGI; a server tells what it does."""
    return HttpServer(
        read_request,
        SUBJECT,
        observe,
        read_result=None if is_waiting is None else silence(is_waiting),
        is_hang_up=is_hang_up,
        is_same=is_same,
    )


# How an application is wrapped.
SERVE = application
