"""How an application of ASGI is wrapped, and what its messages tell (its specification of HTTP)."""

from __future__ import annotations

import sys

from otel_run.engine import http_server
from otel_run.engine.failure import handled_since
from otel_run.engine.forms import asynchronous
from otel_run.engine.frames import named_after, unseen
from otel_run.engine.http_server import SERVER_ERROR
from otel_run.engine.server_operation import ServerOperation
from otel_run.guard import caught
from otel_run.signals.context import CURRENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from typing import Any

    from otel_run.engine.call import Call
    from otel_run.engine.forms import Recorder, Wrapper

    Fields = Iterable[tuple[bytes, bytes]]
    Message = dict[str, Any]
    Send = Callable[[Message], Awaitable[None]]

START = "http.response.start"
BODIES = frozenset(
    ("http.response.body", "http.response.pathsend", "http.response.zerocopysend"),
)
TRAILERS = "http.response.trailers"

# Scope, receive and send.
ARGUMENTS = 3


def application(recorder: Recorder) -> Wrapper:
    """Wrap an application; called with fewer arguments it fails at once.

    Servers find out that way what kind of application they have. Applications lie within each
    other: what is handed the very scope of an open operation is called as if it were not wrapped,
    unless it has something to tell.
    """
    run = asynchronous(recorder)
    convention: Any = recorder.convention
    tells_nothing = convention.read_detail is None

    @unseen
    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if len(args) == ARGUMENTS:
            around = CURRENT.get()
            if tells_nothing and type(around) is ServerOperation and around.subject is args[0]:
                return wrapped(*args, **kwargs)
        elif len(args) + len(kwargs) < ARGUMENTS:
            return wrapped(*args, **kwargs)
        return named_after(run(wrapped, instance, args, kwargs), wrapped)

    return wrapper


def observe(call: Call, operation: ServerOperation) -> None:
    """Have the operation follow each message that the application sends, once it is out."""
    args = call.args
    is_usual = len(args) == ARGUMENTS
    send: Send = args[2] if is_usual else call.arg(2, "send")
    around = sys.exc_info()[1]
    has_trailers = False

    async def sent(message: Message) -> None:
        nonlocal has_trailers
        await send(message)
        if operation.end:
            return
        try:
            kind = message["type"]
            if kind in BODIES:
                if not (has_trailers or message.get("more_body", False)):
                    operation.complete()
            elif kind == START:
                status = message["status"]
                has_trailers = message.get("trailers", False)
                # What is sent while an exception is handled answers for it.
                error = handled_since(around) if status >= SERVER_ERROR else None
                operation.convention.respond(operation, status, read_headers(message), error)
            elif kind == TRAILERS and not message.get("more_trailers", False):
                operation.complete()
        except Exception as mistake:
            caught(mistake, operation.convention.library)

    if is_usual:  # what `replace` does takes a microsecond
        call.args = args[0], args[1], sent
    else:
        call.replace(2, "send", sent)


def read_headers(message: Message) -> Iterable[tuple[str, str]]:
    """Return the headers of a message as text, where any are wanted."""
    wanted = http_server.RESPONSE_HEADERS.wanted
    return decoded(message.get("headers", ())) if wanted else ()


def decoded(fields: Fields) -> Iterator[tuple[str, str]]:
    """Give names and values as text."""
    for name, value in fields:
        yield name.decode("latin-1"), value.decode("latin-1")
