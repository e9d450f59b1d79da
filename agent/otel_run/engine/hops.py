"""Requests that one coroutine function sends one after the other, each of them in several calls."""

from __future__ import annotations

import sys
from _contextvars import ContextVar

from otel_run.engine.call import NOTHING
from otel_run.engine.frames import unseen
from otel_run.engine.http_client import ClientOperation, Unanswered
from otel_run.engine.peer import peer_of
from otel_run.engine.place import Replacement
from otel_run.guard import caught
from otel_run.signals.context import get_current
from otel_run.signals.description import Peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from otel_run.engine.forms import Recorder, Wrapper
    from otel_run.engine.operation import Operation
    from otel_run.engine.peer import Peers
    from otel_run.engine.place import Method, Wrap


class Trail:
    """The requests of one call of the coroutine function, `count` of them so far.

    `sending` holds the operations by the identity of their connections. `failed` is the last one
    that got no answer, and why.
    """

    __slots__ = ("count", "failed", "sending")

    count: int
    sending: dict[int, Operation]
    failed: tuple[Operation, BaseException] | None

    def settle(self, recorder: Recorder, error: BaseException | None = None) -> None:
        """End what failed, with the exception that it has become for the caller."""
        if self.failed is not None:
            operation, own = self.failed
            self.failed = None
            recorder.fail(operation, NOTHING, error or own)

    def fail(self, recorder: Recorder, operation: Operation | None, error: BaseException) -> None:
        """Note with what the operation failed."""
        if operation is not None:
            self.settle(recorder)
            self.failed = (operation, error)

    def abandon(self, recorder: Recorder, error: BaseException) -> None:
        """End all that is left when the exception leaves the call."""
        self.settle(recorder, error)
        for operation in self.sending.values():
            recorder.fail(operation, NOTHING, error)


class Hops:
    """Redirects and retries of a client that loops within one coroutine function, `around`.

    Each request is one operation: `start` is handed it (argument 0, `start_name`), begins the
    operation with it, and returns the connection to send it on. The operation ends with `answer`,
    a method of the response that is handed that connection (argument 0, `answer_name`). It is never
    current. An exception is recorded as it leaves `around`, or where the next request replaces the
    one that failed; `close` is the method of a connection that is called while one is handled.
    `read_request` and `write_headers` are given the request. `read_transport` gives what of a
    connection `peers` know. Where none came of it `reach` may have told whom the request got to: it
    returns a connected socket.
    """

    def __init__(
        self,
        *,
        around: str,
        start: str,
        start_name: str,
        answer: str,
        answer_name: str,
        close: str,
        reach: str,
        read_transport: Callable[[Any], Any],
        peers: Peers,
    ) -> None:
        self.around = around
        self.start = start
        self.start_name = start_name
        self.answer = answer
        self.answer_name = answer_name
        self.close = close
        self.reach = reach
        self.optional = (reach,)
        self.read_transport = read_transport
        self.peers = peers
        self._trail: ContextVar[Trail | None] = ContextVar(around, default=None)
        # The trail, the count of its requests by then, and the peer.
        self._reached: ContextVar[tuple[Trail, int, Peer] | None]
        self._reached = ContextVar(reach, default=None)

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        self._recorder = recorder
        yield self.around, lambda _: Replacement(self._surrounds)
        yield self.start, lambda _: Replacement(self._starts)
        yield self.answer, lambda _: Replacement(self._answers)
        yield self.close, lambda _: Replacement(self._closes)
        yield self.reach, lambda _: self._reaches()

    # The first three do all in one frame, in which they await the function that they stand for:
    # this is the hot path.

    def _surrounds(self, request: Method) -> Method:
        recorder, variable = self._recorder, self._trail

        @unseen
        async def method(*args: Any, **kwargs: Any) -> Any:
            if recorder.off:
                return await request(*args, **kwargs)
            trail = Trail()
            trail.count = 0
            trail.sending = {}
            trail.failed = None
            token = variable.set(trail)
            try:
                result = await request(*args, **kwargs)
            except BaseException as error:
                trail.abandon(recorder, error)
                raise
            finally:
                try:
                    variable.reset(token)
                except ValueError:  # it was closed from elsewhere
                    pass
            if trail.failed is not None or trail.sending:
                trail.settle(recorder)
                trail.abandon(recorder, Unanswered())
            return result

        return method

    def _starts(self, connect: Method) -> Method:  # noqa: C901
        recorder, variable, name = self._recorder, self._trail, self.start_name
        convention: Any = recorder.convention  # a client's
        is_part, start = convention.is_part, convention.start
        peer_of, read_transport = self.peers.of, self.read_transport

        @unseen
        async def method(*args: Any, **kwargs: Any) -> Any:  # noqa: C901
            trail = None if recorder.off else variable.get()
            if trail is None:
                return await connect(*args, **kwargs)
            if trail.failed is not None:
                trail.settle(recorder)
            count = trail.count
            operation: Any = None
            try:
                request = args[1] if len(args) > 1 else kwargs[name]
                parent = get_current()
                if parent is None or not is_part(parent, request):
                    operation = start(parent, request)
                    if type(operation) is ClientOperation:
                        trail.count = count + 1
                        if count:
                            convention.count_resends(operation, count)
                    else:  # nothing is recorded of it
                        operation = None
            except Exception as error:
                caught(error, recorder.library)
                operation = None
            try:
                connection = await connect(*args, **kwargs)
            except BaseException as error:
                if operation is not None:
                    operation.peer = self._peer_reached(trail, count + 1)
                    trail.fail(recorder, operation, error)
                raise
            if operation is not None:
                trail.sending[id(connection)] = operation
                try:
                    peer = peer_of(read_transport(connection))
                    if type(peer) is Peer:
                        operation.peer = peer  # as `detail` has it
                except Exception as error:
                    caught(error, recorder.library)
            return connection

        return method

    def _answers(self, answer: Method) -> Method:
        recorder, variable, name = self._recorder, self._trail, self.answer_name
        finish = recorder.convention.finish

        @unseen
        async def method(*args: Any, **kwargs: Any) -> Any:
            trail = None if recorder.off else variable.get()
            if trail is None:
                return await answer(*args, **kwargs)
            connection = args[1] if len(args) > 1 else kwargs.get(name)
            operation = trail.sending.pop(id(connection), None)
            if operation is None:
                return await answer(*args, **kwargs)
            try:
                result = await answer(*args, **kwargs)
            except BaseException as error:
                trail.fail(recorder, operation, error)
                raise
            # As `Recorder.finish` has it, without its frame.
            try:
                if not operation.end:
                    finish(operation, NOTHING, args[0])
            except Exception as error:
                recorder.abandon(operation, error)
            return result

        return method

    def _closes(self, close: Method) -> Method:
        recorder, variable = self._recorder, self._trail

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:
            trail = None if recorder.off else variable.get()
            if trail is not None and args:
                operation = trail.sending.pop(id(args[0]), None)
                trail.fail(recorder, operation, sys.exc_info()[1] or Unanswered())
            return close(*args, **kwargs)

        return method

    def _reaches(self) -> Wrapper:
        recorder, variable, reached = self._recorder, self._trail, self._reached

        @unseen
        async def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
            trail = None if recorder.off else variable.get()
            if trail is None:
                return await wrapped(*args, **kwargs)
            reached.set(None)  # what was tried before is over
            result = await wrapped(*args, **kwargs)
            try:
                peer = peer_of(result)
                if peer is not None:
                    reached.set((trail, trail.count, peer))
            except Exception as error:
                caught(error, recorder.library)
            return result

        return wrapper

    def _peer_reached(self, trail: Trail, count: int) -> Peer | None:
        """Return whom the request got to that is the last one of so many, in this very task."""
        found = self._reached.get()
        return found[2] if found is not None and found[:2] == (trail, count) else None
