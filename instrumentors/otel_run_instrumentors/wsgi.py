"""WSGI: how to read what PEP 3333 lays down, for the frameworks and servers that speak it."""

from __future__ import annotations

import sys

from otel_run.engine.failure import handled_since
from otel_run.engine.forms import iterable
from otel_run.engine.http_server import HttpServer
from otel_run.engine.http_server_request import METHOD, PATH, PROXIES, QUERY, TRACES, Received
from otel_run.engine.url import PLAIN, path_of, quote_path
from otel_run.guard import caught

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine import Call
    from otel_run.engine.http_server_detail import ReadDetail
    from otel_run.engine.http_server_request import Header, Headers, HttpServerRequest, Reading
    from otel_run.engine.server_operation import ServerOperation


class Keys(dict[str, str]):
    """The environment's keys for lower-case header names, each made once."""

    def __missing__(self, name: str) -> str:
        self[name] = key = f"HTTP_{name.upper().replace('-', '_')}"
        return key


KEYS = Keys({"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"})


# Of an environment, as `Received` has them; and where its application is mounted.
PARTS = (
    *("PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "wsgi.url_scheme", "HTTP_USER_AGENT"),
    *("HTTP_HOST", "SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT"),
)
MOUNT = "SCRIPT_NAME"
# The environment, and what starts the response.
ARGUMENTS = 2
MARKS = tuple(KEYS[name] for name in (*TRACES, *PROXIES))
OF_PROXIES = tuple(KEYS[name] for name in PROXIES)


class WsgiReceived(Received):
    """What the environment of a call tells."""

    __slots__ = ()

    def request(self) -> HttpServerRequest:
        method, scheme, user_agent, host, protocol, address, port, *server = self[METHOD:]
        address = address or ""
        if not port and ":" in address:
            address, port = split_address(address)
        return (
            method or "GET",
            scheme or "http",
            host or name_of(*server),
            (protocol or "")[len("HTTP/") :],
            address,
            int(port) if port and str(port).isdigit() else 0,
            user_agent or "",
        )

    def target(self) -> tuple[str, str]:
        path = self[PATH] or ""
        if not PLAIN.issuperset(path):
            path = quote_path(path, "latin-1")
        return path if path[:1] == "/" else path_of(path), self[QUERY] or ""


def split_address(address: str) -> tuple[str, str]:
    """Take the port off: older versions of granian write `127.0.0.1:8000` and `[::1]:8000`."""
    if address.startswith("[") or address.count(":") == 1:
        host, _, port = address.rpartition(":")
        return host.strip("[]"), port
    return address, ""


def name_of(name: str | None, port: object) -> str:
    return f"{name}:{port or ''}" if name else ""


def read_subject(call: Call) -> Any:
    return call.args[0] if call.args else call.kwargs.get("environ")


def read_request(environ: dict[str, Any] | None) -> Reading | None:
    # Without one, a server looks what kind of application it has.
    if not environ:
        return None
    received = WsgiReceived(map(environ.get, PARTS))
    mount = environ.get(MOUNT)
    if mount:
        received = WsgiReceived((mount + (received[PATH] or ""), *received[QUERY:]))
    if not any(map(environ.__contains__, MARKS)):
        return received, None, False
    return received, header_in(environ), any(map(environ.__contains__, OF_PROXIES))


def header_in(environ: dict[str, Any]) -> Header:
    return lambda name: environ.get(KEYS[name])


def read_headers(environ: dict[str, Any]) -> Headers:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key[5:].replace("_", "-").lower(), value
        elif key in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            yield key.replace("_", "-").lower(), value


def is_same(one: Any, other: dict[str, Any]) -> bool:
    """Tell whether an environment was made of another one, or of the input of one.

    Middleware copies environments, and replaces the input or the path, but seldom both.
    """
    if not isinstance(one, dict):
        return one is other.get("wsgi.input")
    if "wsgi.input" not in one:
        return False
    path = one.get("PATH_INFO", "")
    # A string of one character, as the path `/` is, is always the same object.
    return one["wsgi.input"] is other.get("wsgi.input") or (
        len(path) > 1 and path is other.get("PATH_INFO")
    )


def observe(call: Call, operation: ServerOperation) -> None:
    args = call.args
    is_usual = len(args) == ARGUMENTS
    start_response: Callable[..., Any] = args[1] if is_usual else call.arg(1, "start_response")
    around = sys.exc_info()[1]

    def start(status: str, *rest: Any, **more: object) -> Any:
        write = start_response(status, *rest, **more)
        code = status[:3] if isinstance(status, str) else ""
        if code.isdecimal() and not operation.end:
            try:
                # It is told what the response answers for, or is called while that is handled.
                given = rest[1][1] if rest[1:] and rest[1] else None
                error = handled_since(around, given) if code >= "500" else None
                headers = rest[0] if rest else ()
                operation.convention.respond(operation, int(code), headers, error)
            except Exception as mistake:
                caught(mistake, operation.convention.library)
        return write

    if is_usual:
        call.args = args[0], start
    else:
        call.replace(1, "start_response", start)


def is_whole(call: Call, result: object) -> bool:
    """Tell whether servers look into the result: a sequence, or their own file wrapper."""
    if isinstance(result, (list, tuple)) or hasattr(result, "__len__"):
        return True
    wrapper = read_subject(call).get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(result, wrapper)


def convention(read_detail: ReadDetail | None = None) -> HttpServer:
    """Return the convention for one more library that speaks WSGI."""
    return HttpServer(
        read_subject, read_request, read_headers, observe, read_detail=read_detail, is_same=is_same
    )


# How an application is wrapped.
SERVE = iterable(is_whole)
