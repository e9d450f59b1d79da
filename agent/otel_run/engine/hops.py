"""Requests that one coroutine function sends one after the other, each of them in several calls."""

from __future__ import annotations

from _contextvars import ContextVar

from otel_run.engine.call import NOTHING, Call
from otel_run.engine.frames import unseen
from otel_run.guard import caught
from otel_run.signals.description import Peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from otel_run.engine.forms import Recorder, Wrapper
    from otel_run.engine.operation import Operation
    from otel_run.engine.place import Wrap


class Trail:
    """The requests of one call of the coroutine function, `count` of them so far.

    `sending` holds the operations by the identity of what stands for the request: itself, then
    its response. `failed` is the last one that got no answer, and why.
    """

    __slots__ = ("count", "failed", "sending")

    def __init__(self) -> None:
        self.count = 0
        self.sending: dict[int, Operation] = {}
        self.failed: tuple[Operation, BaseException] | None = None

    def settle(self, recorder: Recorder, error: BaseException | None = None) -> None:
        """End what failed, with the exception that it has become for the caller."""
        if self.failed is not None:
            operation, own = self.failed
            self.failed = None
            recorder.fail(operation, NOTHING, error or own)

    def fail(self, operation: Operation | None, error: BaseException) -> None:
        """Note with what the operation failed."""
        if operation is not None:
            self.failed = (operation, error)

    def abandon(self, recorder: Recorder, error: BaseException) -> None:
        """End all that is left when the exception leaves the call."""
        self.settle(recorder, error)
        for operation in self.sending.values():
            recorder.fail(operation, NOTHING, error)


class Hops:
    """Redirects and retries of a client that loops within one coroutine function, `around`.

    Each request is one operation: `start` is handed it (argument 0, `start_name`) and opens the
    operation, which is propagated just before `send`, a method of the request that returns the
    response, and ends with `answer`, a method of the response. It is never current. An exception
    is recorded as it leaves `around`, or where the next request replaces the one that failed.
    `read_peer` reads the call of `send`.
    """

    def __init__(
        self,
        *,
        around: str,
        start: str,
        start_name: str,
        send: str,
        answer: str,
        read_peer: Callable[[Call], Peer | None],
    ) -> None:
        self.around = around
        self.start = start
        self.start_name = start_name
        self.send = send
        self.answer = answer
        self.read_peer = read_peer
        self._trail: ContextVar[Trail | None] = ContextVar(around, default=None)

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        self._recorder = recorder
        yield self.around, lambda _: self._surrounds()
        yield self.start, lambda _: self._starts()
        yield self.send, lambda _: self._sends()
        yield self.answer, lambda _: self._answers()

    # Each of them awaits the function that it stands for in its own frame: this is the hot path.

    def _surrounds(self) -> Wrapper:
        recorder, variable = self._recorder, self._trail

        @unseen
        async def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
            if recorder.off:
                return await wrapped(*args, **kwargs)
            trail = Trail()
            token = variable.set(trail)
            try:
                result = await wrapped(*args, **kwargs)
            except BaseException as error:
                trail.abandon(recorder, error)
                raise
            finally:
                try:
                    variable.reset(token)
                except ValueError:  # it was closed from elsewhere
                    pass
            if trail.failed is not None:
                trail.settle(recorder)
            return result

        return wrapper

    def _starts(self) -> Wrapper:
        recorder, variable, name = self._recorder, self._trail, self.start_name

        @unseen
        async def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            trail = None if recorder.off else variable.get()
            if trail is None:
                return await wrapped(*args, **kwargs)
            if trail.failed is not None:
                trail.settle(recorder)
            call = Call(wrapped, instance, args, kwargs)
            operation = self._open(trail, call)
            try:
                result = await wrapped(*args, **kwargs)
            except BaseException as error:
                trail.fail(operation, error)
                raise
            if operation is not None:
                trail.sending[id(call.arg(0, name))] = operation
            return result

        return wrapper

    def _sends(self) -> Wrapper:
        recorder, variable = self._recorder, self._trail

        @unseen
        async def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            trail = None if recorder.off else variable.get()
            operation = None if trail is None else trail.sending.pop(id(instance), None)
            if trail is None or operation is None:
                return await wrapped(*args, **kwargs)
            call = Call(wrapped, instance, args, kwargs)
            self._propagate(operation, call)
            try:
                result = await wrapped(*call.args, **call.kwargs)
            except BaseException as error:
                trail.fail(operation, error)
                raise
            trail.sending[id(result)] = operation
            return result

        return wrapper

    def _answers(self) -> Wrapper:
        recorder, variable = self._recorder, self._trail
        finish = recorder.convention.finish

        @unseen
        async def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            trail = None if recorder.off else variable.get()
            operation = None if trail is None else trail.sending.pop(id(instance), None)
            if trail is None or operation is None:
                return await wrapped(*args, **kwargs)
            try:
                result = await wrapped(*args, **kwargs)
            except BaseException as error:
                trail.fail(operation, error)
                raise
            # As `Recorder.finish` has it, without its frame.
            try:
                finish(operation, NOTHING, instance)
            except Exception as error:
                recorder.abandon(operation, error)
            return result

        return wrapper

    def _open(self, trail: Trail, call: Call) -> Operation | None:
        convention: Any = self._recorder.convention  # a client's
        try:
            operation: Operation | None = convention.open(call)
            if operation is not None:
                if trail.count:
                    convention.count_resends(operation, trail.count)
                trail.count += 1
        except Exception as error:
            caught(error, self._recorder.library)
            return None
        return operation

    def _propagate(self, operation: Operation, call: Call) -> None:
        convention: Any = self._recorder.convention
        try:
            convention.propagate(operation, call)
            peer = self.read_peer(call)
            if type(peer) is Peer:
                operation.peer = peer  # as `detail` has it
        except Exception as error:
            caught(error, self._recorder.library)
