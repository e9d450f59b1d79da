"""An operation that takes several calls on one object: sent, and ended by the answer."""

from __future__ import annotations

from weakref import ref

from otel_run.engine.call import NOTHING, Call
from otel_run.engine.frames import unseen
from otel_run.guard import caught
from otel_run.signals.context import CURRENT
from otel_run.signals.description import Peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from otel_run.engine.forms import Recorder, Wrapper
    from otel_run.engine.operation import Operation
    from otel_run.engine.place import Wrap

    After = Callable[[Operation, Call, object], None]
    Result = TypeVar("Result")


class Unanswered(BaseException):
    """Nobody has asked how it ended."""


class Exchange:
    """A request whose parts are calls of their own.

    The operation begins and is propagated with `send`, and is ended by `answer`, or by the one of
    them that raises. What was sent and never asked about ends with `close`, with the next `send`,
    or with the object itself. It is never current, for between the calls the program goes on with
    other things. `read_peer` tells whom the object is connected to, by `connect` or before: a
    connection that breaks may not tell any more.
    """

    def __init__(
        self,
        *,
        connect: str,
        send: str,
        answer: str,
        close: str,
        read_peer: Callable[[Call], Peer | None],
    ) -> None:
        self.connect = connect
        self.send = send
        self.ends = ((answer, self._answered), (close, self._closed))
        self.read_peer = read_peer
        # By the object's identity, while `send` runs; and after it, by a reference.
        self._sending: dict[int, Operation] = {}
        self._waiting: dict[ref[Any], Operation] = {}

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        self._recorder = recorder
        yield self.connect, lambda _: self._connects()
        yield self.send, lambda _: self._sends()
        for place, after in self.ends:
            yield place, self._wrap(after)

    def _connects(self) -> Wrapper:
        recorder = self._recorder

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            result = wrapped(*args, **kwargs)
            if not recorder.off:
                operation = self._sending.get(id(instance)) if self._sending else None
                guarded(recorder, self._tell, Call(wrapped, instance, args, kwargs), operation)
            return result

        return wrapper

    def _sends(self) -> Wrapper:
        recorder, sending, tell = self._recorder, self._sending, self._tell
        convention: Any = recorder.convention  # a client's

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            if recorder.off:
                return wrapped(*args, **kwargs)
            call = Call(wrapped, instance, args, kwargs)
            # The operation that it is part of. While it runs, nothing else ends that.
            try:
                operation = convention.open(call)
                if operation is not None:
                    convention.propagate(operation, call)
                is_told = tell(call, operation)
            except Exception as error:
                caught(error, recorder.library)
                operation, is_told = None, True
            if operation is None:
                result = wrapped(*args, **kwargs)
            else:
                sending[id(instance)] = operation
                try:
                    result = wrapped(*args, **kwargs)
                except BaseException as error:
                    recorder.fail(operation, call, error)
                    raise
                finally:
                    sending.pop(id(instance), None)
                guarded(recorder, self._sent, operation, call)
            if not is_told:
                guarded(recorder, tell, call, operation)
            return result

        return wrapper

    def _wrap(self, after: After) -> Wrap:
        return lambda _: self._wrapper(after)

    def _wrapper(self, after: After) -> Wrapper:
        recorder = self._recorder

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            # Most often it is part of another library's request, and nobody waits here.
            if recorder.off or not self._waiting:
                return wrapped(*args, **kwargs)
            call = Call(wrapped, instance, args, kwargs)
            operation = guarded(recorder, self._waits_for, call)
            if operation is None:
                return wrapped(*args, **kwargs)
            try:
                result = wrapped(*args, **kwargs)
            except BaseException as error:
                recorder.fail(operation, call, error)
                raise
            guarded(recorder, after, operation, call, result)
            return result

        return wrapper

    def _tell(self, call: Call, operation: Operation | None) -> bool:
        """Say whom it is connected to; tell whether that need not be asked again."""
        found: Any = operation or CURRENT.get()
        if found is None:
            return True  # there is nobody to be told
        own, convention = self._recorder.convention, found.convention
        # An outer library's, most often, and else one of any kind.
        if convention is None or convention.name != own.name:
            return True
        peer = self.read_peer(call)
        if peer is None:
            return False
        if not found.end and type(peer) is Peer:
            found.peer = peer  # as `detail` has it
        return True

    def _waits_for(self, call: Call) -> Operation | None:
        return self._waiting.pop(ref(call.instance), None)

    # After it.

    def _sent(self, operation: Operation, call: Call) -> None:
        self._give_up(ref(call.instance))
        self._waiting[ref(call.instance, self._give_up)] = operation

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
