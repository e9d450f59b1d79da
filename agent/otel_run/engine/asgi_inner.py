"""ASGI: an application within middleware that sends on its messages from another task.

What it raises, or is handling while it sends, is not seen where they are sent on.
"""

from __future__ import annotations

import sys

from otel_run.engine.asgi import ARGUMENTS, START
from otel_run.engine.call import Call
from otel_run.engine.failure import handled_since
from otel_run.engine.frames import named_after, unseen
from otel_run.engine.http_server import SERVER_ERROR
from otel_run.engine.server_operation import ServerOperation
from otel_run.signals.context import get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine.asgi import Message, Send
    from otel_run.engine.forms import Recorder, Wrapper


class Inner:
    """One call of the application, which is part of the operation's request."""

    def __init__(
        self, operation: ServerOperation, send: Send, is_hang_up: Callable[[BaseException], bool]
    ) -> None:
        self.operation = operation
        self.is_hang_up = is_hang_up
        self.send = send
        self.around = sys.exc_info()[1]
        self.has_begun = False

    async def send_on(self, message: Message) -> None:
        """Send a message on."""
        self.operation.guard(self.follow, message)
        await self.send(message)

    def follow(self, message: Message) -> None:
        """See what a response answers for."""
        if message["type"] == START:
            self.has_begun = True
            error = handled_since(self.around) if message["status"] >= SERVER_ERROR else None
            if error is not None:
                self.operation.handled = error

    def fail(self, error: Exception) -> None:
        """Take note of what middleware may answer, or is too late to answer."""
        if not self.has_begun:
            self.operation.handled = error
        elif not self.is_hang_up(error):
            self.operation.respond(self.operation.status, (), error)


def inner(recorder: Recorder) -> Wrapper:
    """Wrap an application of ASGI; a request has its operation already."""
    convention: Any = recorder.convention
    is_hang_up = convention.is_hang_up

    @unseen
    async def run(call: Call, operation: ServerOperation) -> None:
        one = Inner(operation, call.args[2], is_hang_up)
        call.replace(2, "send", one.send_on)
        try:
            await call.function(*call.args, **call.kwargs)
        except Exception as error:
            operation.guard(one.fail, error)
            raise

    @unseen
    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        operation = get_current()
        if (
            recorder.off
            or not isinstance(operation, ServerOperation)
            or operation.end
            or len(args) != ARGUMENTS
        ):
            return wrapped(*args, **kwargs)
        return named_after(run(Call(wrapped, instance, args, kwargs), operation), wrapped)

    return wrapper
