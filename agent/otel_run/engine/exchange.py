"""An operation that takes several calls on one object: sent, and ended by the answer."""

from __future__ import annotations

from weakref import ref

from otel_run.engine.call import Call
from otel_run.engine.frames import unseen
from otel_run.engine.targets import tell
from otel_run.guard import caught

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from otel_run.engine.forms import Recorder, Wrapper
    from otel_run.engine.operation import Operation
    from otel_run.engine.place import Wrap

    Ended = Callable[[Operation, Call, object], None]
    Result = TypeVar("Result")

# Stands for the call where an operation ends outside of any.
NOTHING = Call(lambda: None, None, (), {})


class Unanswered(BaseException):
    """Nobody has asked how it ended."""


class Exchange:
    """A request whose parts are calls of their own.

    The operation begins and is propagated with `send`, and is ended by `answer`, or by the one of
    them that raises. What was sent and never asked about ends with `close`, with the next `send`,
    or with the object itself. It is never current, for between the calls the program goes on with
    other things. `read_peer` tells whom the object is connected to.
    """

    def __init__(
        self,
        *,
        send: str,
        answer: str,
        close: str,
        read_peer: Callable[[Call], object],
    ) -> None:
        self.send = send
        self.ends = ((answer, self._answered), (close, self._closed))
        self.read_peer = read_peer
        self._waiting: dict[ref[Any], Operation] = {}

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        self._recorder = recorder
        yield self.send, lambda _: self._sending(recorder)
        for place, ended in self.ends:
            yield place, self._wrap(recorder, ended)

    def _wrap(self, recorder: Recorder, ended: Ended) -> Wrap:
        return lambda _: self._ending(recorder, ended)

    def _sending(self, recorder: Recorder) -> Wrapper:
        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            if recorder.off:
                return wrapped(*args, **kwargs)
            call = Call(wrapped, instance, args, kwargs)
            operation = guarded(recorder, self._send, call)
            if operation is None:  # most often it is part of another library's request
                result = wrapped(*args, **kwargs)
                tell(recorder, self.read_peer, call)
                return result
            try:
                result = wrapped(*args, **kwargs)
            except BaseException as error:
                recorder.fail(operation, call, error)
                raise
            guarded(recorder, self._sent, operation, call)
            return result

        return wrapper

    def _ending(self, recorder: Recorder, ended: Ended) -> Wrapper:
        waiting = self._waiting

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            # While the call runs, nothing else ends what waits for it.
            operation = waiting.pop(ref(instance), None) if waiting and not recorder.off else None
            if operation is None:
                return wrapped(*args, **kwargs)
            call = Call(wrapped, instance, args, kwargs)
            try:
                result = wrapped(*args, **kwargs)
            except BaseException as error:
                recorder.fail(operation, call, error)
                raise
            guarded(recorder, ended, operation, call, result)
            return result

        return wrapper

    def _send(self, call: Call) -> Operation | None:
        convention: Any = self._recorder.convention
        operation: Operation | None = convention.open(call)
        if operation is not None:
            convention.propagate(operation, call)
        return operation

    # After a call.

    def _sent(self, operation: Operation, call: Call) -> None:
        self._give_up(ref(call.instance))
        self._waiting[ref(call.instance, self._give_up)] = operation
        peer = self.read_peer(call)
        if peer is not None:
            self._recorder.convention.detail(operation, peer)

    def _answered(self, operation: Operation, call: Call, result: object) -> None:
        self._recorder.finish(operation, call, result)

    def _closed(self, operation: Operation, call: Call, result: object) -> None:  # noqa: ARG002
        self._recorder.fail(operation, call, Unanswered())

    def _give_up(self, reference: ref[Any]) -> None:
        operation = self._waiting.pop(reference, None)
        if operation is not None and not self._recorder.off:
            self._recorder.fail(operation, NOTHING, Unanswered())


def guarded(recorder: Recorder, step: Callable[..., Result], *arguments: object) -> Result | None:
    """Take the step, and let no mistake of ours out."""
    try:
        return step(*arguments)
    except Exception as error:
        caught(error, recorder.library)
        return None
