"""How an application of ASGI is wrapped, and what its messages tell (its specification of HTTP)."""

from __future__ import annotations

import sys

from otel_run.engine import http_server
from otel_run.engine.failure import handled_since
from otel_run.engine.forms import asynchronous
from otel_run.engine.frames import named_after, unseen
from otel_run.engine.http_server import SERVER_ERROR, SWITCHING_PROTOCOLS
from otel_run.engine.http_server_detail import HttpServerDetail
from otel_run.engine.place import Replacement
from otel_run.engine.raw_headers import fields_as_text
from otel_run.engine.server_operation import ServerOperation
from otel_run.engine.stand_in import FUNCTION, bind
from otel_run.guard import caught
from otel_run.signals.context import get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from otel_run.engine.call import Call
    from otel_run.engine.forms import Recorder, Wrapper

    Message = dict[str, Any]
    Send = Callable[[Message], Awaitable[None]]

START = "http.response.start"
BODIES = frozenset(
    ("http.response.body", "http.response.pathsend", "http.response.zerocopysend"),
)
TRAILERS = "http.response.trailers"

# Scope, receive and send.
ARGUMENTS = 3

# The arguments of a method that is an application, all of them required.
METHOD = ("self", "scope", "receive", "send")
# inspect.CO_VARARGS and CO_VARKEYWORDS.
VARIABLE = 0x04 | 0x08
# Applications of another kind have no name that their coroutines could have.
NAMED = (FUNCTION, bind)


def application(recorder: Recorder) -> Replacement:
    """Wrap an application; called with fewer arguments it fails at once.

    Servers find out that way what kind of application they have. Applications lie within each
    other: what is handed the very scope of an open operation is called as if it were not wrapped,
    unless it has something to tell.
    """
    run = asynchronous(recorder)
    convention: Any = recorder.convention
    tells_nothing = convention.read_detail is None

    def make(serve: Any) -> Any:
        return _method(serve, run, tells_nothing) if _takes(serve, METHOD) else None

    @unseen
    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if len(args) == ARGUMENTS:
            around = get_current()
            if tells_nothing and type(around) is ServerOperation and around.subject is args[0]:
                return wrapped(*args, **kwargs)
        elif len(args) + len(kwargs) < ARGUMENTS:
            return wrapped(*args, **kwargs)
        coroutine = run(wrapped, instance, args, kwargs)
        return named_after(coroutine, wrapped) if type(wrapped) in NAMED else coroutine

    return Replacement(make, wrapper)


def _takes(function: Any, names: tuple[str, ...]) -> bool:
    """Tell whether these are the arguments that the function takes, all of them required."""
    code = function.__code__
    is_fixed = not (code.co_kwonlyargcount or code.co_flags & VARIABLE or function.__defaults__)
    return is_fixed and code.co_varnames[: code.co_argcount] == names


def _method(serve: Any, run: Wrapper, tells_nothing: bool) -> Any:  # noqa: FBT001
    """Make what takes the place of a method that is an application."""
    name, qualified_name = serve.__name__, serve.__qualname__

    @unseen
    def method(self: Any, scope: Any, receive: Any, send: Any) -> Any:
        if tells_nothing:
            around = get_current()
            if type(around) is ServerOperation and around.subject is scope:
                return serve(self, scope, receive, send)
        coroutine: Any = run(bind(serve, self), self, (scope, receive, send), {})
        # Tasks show them.
        coroutine.__name__, coroutine.__qualname__ = name, qualified_name
        return coroutine

    if sys.version_info >= (3, 11):
        return method

    # A coroutine function that fails at once as well: the stand-in's takes whatever comes.
    @unseen
    async def coroutine_method(self: Any, scope: Any, receive: Any, send: Any) -> Any:
        return await method(self, scope, receive, send)

    return coroutine_method


def silence(is_waiting: Callable[[Any], bool]) -> Callable[[Call, object], HttpServerDetail | None]:
    """Make a reader of what a server sends itself where the application sends nothing: a 500.

    `is_waiting` tells of the server's own `send` whether it is about to: it has sent nothing, and
    the client is still there.
    """

    def read_result(call: Call, _: object) -> HttpServerDetail | None:
        response: Response = call.arg(2, "send").__self__
        return HttpServerDetail(status=SERVER_ERROR) if is_waiting(response.send_on) else None

    return read_result


def observe(call: Call, operation: ServerOperation) -> None:
    """Have the operation follow each message that the application sends, once it is out."""
    args = call.args
    response = Response()
    response.operation = operation
    response.around = sys.exc_info()[1]
    response.has_trailers = False
    if len(args) == ARGUMENTS:  # what `replace` does takes a microsecond
        response.send_on = args[2]
        call.args = args[0], args[1], response.send
    else:
        response.send_on = call.arg(2, "send")
        call.replace(2, "send", response.send)


class Response:
    """What the application sends: the operation ends with the last of its messages.

    `around` is the exception that was handled when the application was called.
    """

    __slots__ = ("around", "has_trailers", "operation", "send_on")

    around: BaseException | None
    has_trailers: bool
    operation: ServerOperation
    send_on: Send

    async def send(self, message: Message) -> None:
        """Send a message on."""
        await self.send_on(message)
        operation = self.operation
        if operation.end:
            return
        try:
            kind = message["type"]
            if kind == START:
                status = message["status"]
                if "trailers" in message:
                    self.has_trailers = message["trailers"]
                if (
                    SWITCHING_PROTOCOLS < status < SERVER_ERROR
                    and not http_server.RESPONSE_HEADERS.wanted
                ):
                    operation.status = status  # all that is left of `respond`
                else:
                    self.respond(status, message)
            elif kind in BODIES:
                if not (self.has_trailers or message.get("more_body", False)):
                    operation.complete()
            elif kind == TRAILERS and not message.get("more_trailers", False):
                operation.complete()
        except Exception as mistake:
            caught(mistake, operation.convention.library)

    def respond(self, status: int, message: Message) -> None:
        """See what the response answers for: an exception that is handled while it is sent."""
        error = handled_since(self.around) if status >= SERVER_ERROR else None
        headers = fields_as_text(message.get("headers", ()))
        self.operation.convention.respond(self.operation, status, headers, error)
