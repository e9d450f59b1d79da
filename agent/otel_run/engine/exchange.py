"""An operation that takes several calls on one object: opened, sent, and ended by the answer."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from otel_run.engine.call import Call
from otel_run.engine.frames import unseen
from otel_run.engine.targets import tell
from otel_run.guard import caught

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping
    from typing import Any

    from otel_run.engine.forms import Recorder, Wrapper
    from otel_run.engine.operation import Operation
    from otel_run.engine.targets import Wrap


class Exchange:
    """A request whose parts are calls of their own.

    The operation is opened at `start`, propagated just before `send`, and ended by `answer`, or by
    the one of them that raises. It is never current, for between the calls the program goes on
    with other things. `read_peer` tells an outer operation whom the answer comes from.
    """

    def __init__(
        self, start: str, send: str, answer: str, read_peer: Callable[[Call], object]
    ) -> None:
        self.start = start
        self.send = send
        self.answer = answer
        self.read_peer = read_peer
        self._open: MutableMapping[Any, Operation] = WeakKeyDictionary()

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        for place, step in (
            (self.start, self._started),
            (self.send, self._sending),
            (self.answer, self._answered),
        ):
            yield place, self._wrap(recorder, step)

    def _wrap(self, recorder: Recorder, step: Callable[[Recorder, Call], Operation | None]) -> Wrap:
        return lambda _: self._wrapper(recorder, step)

    def _wrapper(
        self, recorder: Recorder, step: Callable[[Recorder, Call], Operation | None]
    ) -> Wrapper:
        is_last = step == self._answered

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            call = Call(wrapped, instance, args, kwargs)
            operation = None if recorder.off else guarded(recorder, step, call)
            if operation is None:
                return wrapped(*args, **kwargs)
            try:
                result = wrapped(*args, **kwargs)
            except BaseException as error:
                self._open.pop(instance, None)
                recorder.fail(operation, call, error)
                raise
            if is_last:
                self._open.pop(instance, None)
                recorder.finish(operation, call, result)
            return result

        return wrapper

    def _started(self, recorder: Recorder, call: Call) -> Operation | None:
        self._open.pop(call.instance, None)
        operation: Operation | None = recorder.convention.open(call)  # type: ignore[attr-defined]
        if operation is not None:
            self._open[call.instance] = operation
        return operation

    def _sending(self, recorder: Recorder, call: Call) -> Operation | None:
        operation = self._open.get(call.instance)
        if operation is not None:
            recorder.convention.propagate(operation, call)  # type: ignore[attr-defined]
        return operation

    def _answered(self, recorder: Recorder, call: Call) -> Operation | None:
        operation = self._open.get(call.instance)
        if operation is None:
            tell(recorder, self.read_peer, call)
            return None
        peer = self.read_peer(call)
        if peer is not None:
            recorder.convention.detail(operation, peer)
        return operation


def guarded(
    recorder: Recorder, step: Callable[[Recorder, Call], Operation | None], call: Call
) -> Operation | None:
    """Take the step, and let no mistake of ours out."""
    try:
        return step(recorder, call)
    except Exception as error:
        caught(error, recorder.library)
        return None
