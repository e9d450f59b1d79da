"""ASGI: how to read what its specification lays down, for the frameworks and servers that speak it.

Only scopes of the type `http` are requests.
"""

from __future__ import annotations

from otel_run.engine.asgi import application, decoded, observe
from otel_run.engine.http_server import HttpServer
from otel_run.engine.http_server_detail import HttpServerDetail
from otel_run.engine.http_server_request import METHOD, PATH, PROXIES, QUERY, TRACES, Received
from otel_run.engine.url import path_of, quote_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from otel_run.engine import Call
    from otel_run.engine.http_server_request import Header, Headers, HttpServerRequest, Reading


class Keys(dict[str, bytes]):
    """The names of headers as the scope has them, each made once."""

    def __missing__(self, name: str) -> bytes:
        self[name] = key = name.encode("latin-1")
        return key


KEYS = Keys()
# Of a scope, as `Received` has them, and of its headers.
PARTS = ("raw_path", "query_string", "method", "scheme")
FIELDS = (b"user-agent", b"host")
OTHERS = ("http_version", "client", "server")
MARKS = tuple(name.encode() for name in (*TRACES, *PROXIES))
OF_PROXIES = tuple(name.encode() for name in PROXIES)
NOBODY = ("", 0)
# Starlette's exception, and uvicorn's.
HANG_UPS = frozenset(("ClientDisconnect", "ClientDisconnected"))


class AsgiReceived(Received):
    """What a scope tells."""

    __slots__ = ()

    def request(self) -> HttpServerRequest:
        method, scheme, user_agent, host, version, client, server = self[METHOD:]
        address, port = read_address(client)
        host = text_of(host) if host else name_of(server)
        user_agent = text_of(user_agent or "")
        return method, scheme or "http", host, version or "", address, port, user_agent

    def target(self) -> tuple[str, str]:
        path, query = self[PATH], self[QUERY]
        # Without one as on the wire it is text.
        path = path.decode("latin-1") if type(path) is bytes else quote_path(path, "utf-8")
        if path[:1] != "/" or "?" in path:
            path = path_of(path.partition("?")[0])
        return path, text_of(query) if query else ""


def read_request(scope: dict[str, Any]) -> Reading | None:
    if scope.get("type") != "http":
        return None
    fields = read_fields(scope["headers"])
    get, field = scope.get, fields.get
    received = AsgiReceived((*map(get, PARTS), *map(field, FIELDS), *map(get, OTHERS)))
    if not received[PATH]:
        received = AsgiReceived((scope["path"], *received[QUERY:]))
    if not any(map(fields.__contains__, MARKS)):
        return received, None, False
    return received, header_in(fields), any(map(fields.__contains__, OF_PROXIES))


def header_in(fields: dict[bytes, bytes]) -> Header:
    def header(name: str) -> str | None:
        value = fields.get(KEYS[name])
        return None if value is None else value.decode("latin-1")

    return header


def read_headers(scope: dict[str, Any]) -> Headers:
    return decoded(scope["headers"])


def text_of(part: bytes | str) -> str:
    # Test clients have some as text.
    return part if type(part) is str else part.decode("latin-1")  # type: ignore[union-attr]


def read_scope(call: Call) -> Any:
    # As `arg` has it, without its frame: three ask for it at each request.
    return call.args[0] if call.args else call.kwargs["scope"]


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


def read_fields(headers: Any) -> dict[bytes, bytes]:
    fields = dict(headers)
    if len(fields) != len(headers):
        fields = {}
        for name, value in headers:
            fields[name] = fields[name] + b"," + value if name in fields else value
    return fields


def read_address(client: Any) -> tuple[str, int]:
    """Return address and port, which granian writes as text; test clients have a name instead."""
    if not client:
        return NOBODY
    address, port = client
    if type(address) is not str or not (address[-1:].isdigit() or ":" in address):
        return NOBODY
    return client if type(port) is int else (address, int(port or 0))


def name_of(server: Any) -> str:
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


def convention() -> HttpServer:
    """Return the convention for one more library that speaks ASGI."""
    return HttpServer(
        read_scope, read_request, read_headers, observe, is_hang_up=is_hang_up, is_same=is_same
    )


# How an application is wrapped.
SERVE = application
