"""Requests that one coroutine function sends one after the other, each of them in several calls."""

from __future__ import annotations

from _contextvars import ContextVar

from otel_run.engine.call import Call
from otel_run.engine.frames import named_after, unseen
from otel_run.guard import caught

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any

    from otel_run.engine.forms import Recorder, Wrapper
    from otel_run.engine.operation import Operation
    from otel_run.engine.place import Wrap

    Step = Callable[[Recorder, "Trail", Call], Awaitable[Any]]


class Trail:
    """The requests of one call of the coroutine function, `count` of them so far.

    `sending` holds the operations by the identity of what stands for the request: itself, then
    its response. `failed` is the last one that got no answer, and why.
    """

    __slots__ = ("count", "failed", "sending")

    def __init__(self) -> None:
        self.count = 0
        self.sending: dict[int, Operation] = {}
        self.failed: tuple[Operation, Call, BaseException] | None = None

    def settle(self, recorder: Recorder, error: BaseException | None = None) -> None:
        """End what failed, with the exception that it has become for the caller."""
        if self.failed is not None:
            operation, call, own = self.failed
            self.failed = None
            recorder.fail(operation, call, error or own)

    def abandon(self, recorder: Recorder, call: Call, error: BaseException) -> None:
        """End all that is left when the exception leaves the call."""
        self.settle(recorder, error)
        for operation in self.sending.values():
            recorder.fail(operation, call, error)


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
        read_peer: Callable[[Call], object],
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
        yield self.around, lambda _: self._outer(recorder)
        for place, step in (
            (self.start, self._started),
            (self.send, self._sent),
            (self.answer, self._answered),
        ):
            yield place, self._wrap(recorder, step)

    def _outer(self, recorder: Recorder) -> Wrapper:
        variable = self._trail

        @unseen
        async def run(call: Call) -> Any:
            trail = Trail()
            token = variable.set(trail)
            try:
                result = await call.function(*call.args, **call.kwargs)
            except BaseException as error:
                trail.abandon(recorder, call, error)
                raise
            finally:
                try:
                    variable.reset(token)
                except ValueError:  # it was closed from elsewhere
                    pass
            trail.settle(recorder)
            return result

        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            if recorder.off:
                return wrapped(*args, **kwargs)
            return named_after(run(Call(wrapped, instance, args, kwargs)), wrapped)

        return wrapper

    def _wrap(self, recorder: Recorder, step: Step) -> Wrap:
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            trail = None if recorder.off else self._trail.get()
            if trail is None:
                return wrapped(*args, **kwargs)
            return step(recorder, trail, Call(wrapped, instance, args, kwargs))

        return lambda _: wrapper

    @unseen
    async def _started(self, recorder: Recorder, trail: Trail, call: Call) -> Any:
        trail.settle(recorder)
        operation = self._open(recorder, trail, call)
        result = await _awaited(trail, operation, call)
        if operation is not None:
            trail.sending[id(call.arg(0, self.start_name))] = operation
        return result

    def _open(self, recorder: Recorder, trail: Trail, call: Call) -> Operation | None:
        convention: Any = recorder.convention  # a client's
        try:
            operation: Operation | None = convention.open(call)
            if operation is not None:
                if trail.count:
                    convention.count_resends(operation, trail.count)
                trail.count += 1
        except Exception as error:
            caught(error, recorder.library)
            return None
        return operation

    @unseen
    async def _sent(self, recorder: Recorder, trail: Trail, call: Call) -> Any:
        operation = trail.sending.pop(id(call.instance), None)
        if operation is not None:
            self._propagate(recorder, operation, call)
        result = await _awaited(trail, operation, call)
        if operation is not None:
            trail.sending[id(result)] = operation
        return result

    def _propagate(self, recorder: Recorder, operation: Operation, call: Call) -> None:
        try:
            recorder.convention.propagate(operation, call)  # type: ignore[attr-defined]
            peer = self.read_peer(call)
            if peer is not None:
                recorder.convention.detail(operation, peer)
        except Exception as error:
            caught(error, recorder.library)

    @unseen
    async def _answered(self, recorder: Recorder, trail: Trail, call: Call) -> Any:
        operation = trail.sending.pop(id(call.instance), None)
        result = await _awaited(trail, operation, call)
        if operation is not None:
            recorder.finish(operation, call, call.instance)
        return result


@unseen
async def _awaited(trail: Trail, operation: Operation | None, call: Call) -> Any:
    """Run the call, and note with what the operation failed."""
    try:
        return await call.function(*call.args, **call.kwargs)
    except BaseException as error:
        if operation is not None:
            trail.failed = (operation, call, error)
        raise
