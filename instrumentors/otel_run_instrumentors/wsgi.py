"""WSGI: how to read what PEP 3333 lays down, for the frameworks and servers that speak it."""

from __future__ import annotations

import sys

from otel_run.engine import http_server
from otel_run.engine.failure import handled_since
from otel_run.engine.forms import iterable
from otel_run.engine.http_server import SERVER_ERROR, SWITCHING_PROTOCOLS, HttpServer
from otel_run.engine.http_server_detail import HttpServerDetail
from otel_run.engine.http_server_request import HttpServerRequest, Marks
from otel_run.engine.url import PLAIN, path_of, quote_path
from otel_run.signals.cache import Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from otel_run.engine import Call
    from otel_run.engine.http_server_detail import ReadDetail
    from otel_run.engine.server_operation import ServerOperation


class Keys(dict[str, str]):
    """The environment's keys for lower-case header names, each made once."""

    def __missing__(self, name: str) -> str:
        self[name] = key = f"HTTP_{name.upper().replace('-', '_')}"
        return key


# The environment, and what starts the response.
ARGUMENTS = 2

# By statuses, as `200 OK` is one. A program may make texts up, and long ones.
CODES: Cache[str, int] = Cache(256)
LONGEST_STATUS = 64

SUBJECT = ("environ",)

KEYS = Keys({"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"})

NAMES = (
    "REQUEST_METHOD",
    "wsgi.url_scheme",
    "HTTP_HOST",
    "SERVER_PROTOCOL",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "HTTP_USER_AGENT",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
)

MARKS = Marks(KEYS.__getitem__)

# Where servers write to the client what they are handed, or read what it sends; and what some of
# them, and the requests of Werkzeug and Django, raise when it is gone.
SERVERS = ("gunicorn.", "socketserver", "werkzeug.serving", "wsgiref.handlers")
HANG_UPS = frozenset(("ClientDisconnected", "NoMoreData", "UnreadablePostError"))


class WsgiRequest(HttpServerRequest):
    """What the environment of a call tells."""

    __slots__ = ("environ",)

    environ: dict[str, Any]

    def header(self, name: str) -> str | None:
        return self.environ.get(KEYS[name])

    def headers(self) -> Iterator[tuple[str, str]]:
        for key, value in self.environ.items():
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").lower(), value
            elif key in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
                yield key.replace("_", "-").lower(), value


def read_request(environ: Any) -> WsgiRequest:
    method, scheme, host, version, address, port, user_agent, root, path, query = map(
        environ.get, NAMES
    )
    path = (root or "") + (path or "")
    if path.strip(PLAIN):
        path = quote_path(path, "latin-1")
    request = WsgiRequest()
    request.environ = environ
    request.caller = (
        method or "GET",
        scheme,
        host or server_of(environ),
        (version or "")[len("HTTP/") :],
        (address, port),
        user_agent,
    )
    request.path = path if path[:1] == "/" else path_of(path)
    request.query = query or ""
    request.is_continued = request.is_forwarded = False
    names = environ.keys()
    if not names.isdisjoint(MARKS.all):
        MARKS.tell(request, names)
    return request


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


def server_of(environ: Mapping[str, Any]) -> str:
    host: str = environ.get("SERVER_NAME", "")
    return f"{host}:{environ.get('SERVER_PORT', '')}" if host else ""


def observe(call: Call, operation: ServerOperation) -> None:
    args = call.args
    is_usual = len(args) == ARGUMENTS
    start_response: Callable[..., Any] = args[1] if is_usual else call.arg(1, "start_response")
    around = sys.exc_info()[1]

    def start(status: str, *rest: Any, **more: object) -> Any:
        write = start_response(status, *rest, **more)
        code = (CODES.young.get(status) or code_of(status)) if isinstance(status, str) else 0
        if SWITCHING_PROTOCOLS < code < SERVER_ERROR and not http_server.RESPONSE_HEADERS.wanted:
            operation.answer(code)  # all that is left of `respond`
        elif code:
            # It is told what the response answers for, or is called while that is handled.
            passed: Any = rest[1] if rest[1:] else more.get("exc_info")
            given = passed[1] if passed else None
            error = handled_since(around, given) if code >= SERVER_ERROR else None
            operation.respond(code, rest[0] if rest else (), error)
        return write

    if is_usual:  # what `replace` does takes a microsecond
        call.args = args[0], start
    else:
        call.replace(1, "start_response", start)


def code_of(status: str) -> int:
    code = int(status[:3]) if status[:3].isdecimal() else 0
    if len(status) <= LONGEST_STATUS:
        CODES.put(status, code)
    return code


def is_hang_up(error: BaseException) -> bool:
    """Tell whether the client has gone: its connection broke, and none that the program has made.

    The traceback begins at the application: a server's frames in it are of what that has called.
    """
    if type(error).__name__ in HANG_UPS:
        return True
    traceback = error.__traceback__ if isinstance(error, ConnectionError) else None
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__", "").startswith(SERVERS):
            return True
        traceback = traceback.tb_next
    return False


def detail_of(error: BaseException, subject: object = None) -> HttpServerDetail | None:
    return None if is_hang_up(error) else HttpServerDetail(error, subject=subject)


def is_whole(call: Call, result: object) -> bool:
    """Tell whether servers look into the result: a sequence, or their own file wrapper."""
    if isinstance(result, (list, tuple)) or hasattr(result, "__len__"):
        return True
    environ = call.args[0] if call.args else call.kwargs["environ"]
    wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(wrapper, type):
        return isinstance(result, wrapper)
    # uWSGI's is a function that gives back the very file, and looks for that.
    return wrapper is not None and hasattr(result, "read")


def convention(read_detail: ReadDetail | None = None) -> HttpServer:
    """Return the convention for one more library that speaks WSGI."""
    return HttpServer(
        read_request,
        SUBJECT,
        observe,
        read_detail=read_detail,
        is_hang_up=is_hang_up,
        is_same=is_same,
    )


# How an application is wrapped.
SERVE = iterable(is_whole)
