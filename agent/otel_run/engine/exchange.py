"""An operation that takes several calls on one object: sent, and ended by the answer."""

from __future__ import annotations

from weakref import ref

from otel_run.engine.call import NOTHING
from otel_run.engine.frames import unseen
from otel_run.engine.http_client import ClientOperation, Unanswered
from otel_run.engine.peer import Peers
from otel_run.engine.place import Replacement
from otel_run.guard import caught
from otel_run.signals.context import get_current
from otel_run.signals.description import Peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from otel_run.engine.forms import Recorder
    from otel_run.engine.operation import Operation
    from otel_run.engine.place import Method, Wrap

    After = Callable[[Operation, object], None]
    Result = TypeVar("Result")


# Of sockets: each is asked once.
PEERS = Peers(lambda sock: sock)


class Exchange:
    """A request whose parts are calls of their own.

    The operation begins and is propagated with `send`, and is ended by `answer`, or by the one of
    them that raises. What was sent and never asked about ends with `close`, with the next `send`,
    or with the object itself. It is never current, for between the calls the program goes on with
    other things. The convention's readers are given the object; `read_socket` gives its socket,
    which is connected by `connect` or before: one that breaks may not tell its peer any more.
    """

    def __init__(
        self,
        *,
        connect: str,
        send: str,
        answer: str,
        close: str,
        read_socket: Callable[[Any], Any],
    ) -> None:
        self.connect = connect
        self.send = send
        self.ends = ((answer, self._answered), (close, self._closed))
        self.read_socket = read_socket
        # By the object's identity, while `send` runs; and after it, by a reference.
        self._sending: dict[int, Operation] = {}
        self._waiting: dict[ref[Any], Operation] = {}

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        self._recorder = recorder
        yield self.connect, lambda _: Replacement(self._connects)
        yield self.send, lambda _: Replacement(self._sends)
        for place, after in self.ends:
            yield place, self._ends(after)

    def _connects(self, connect: Method) -> Method:
        recorder = self._recorder

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:
            result = connect(*args, **kwargs)
            if not recorder.off:
                operation = self._sending.get(id(args[0])) if self._sending else None
                guarded(recorder, self._tell, args[0], operation or get_current())
            return result

        return method

    # All in one frame, for this is the hot path.
    def _sends(self, send: Method) -> Method:  # noqa: C901
        recorder, sending, read_socket = self._recorder, self._sending, self.read_socket
        convention: Any = recorder.convention  # a client's
        is_part, start, peer_of = convention.is_part, convention.start, PEERS.of

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:  # noqa: C901
            if recorder.off or not args:
                return send(*args, **kwargs)
            instance = args[0]
            operation: Any = None
            untold: object = None
            try:
                # The operation that it is part of. While it runs, nothing else ends that.
                found = get_current()
                if found is None or not is_part(found, instance):
                    found = operation = start(found, instance)
                    if type(operation) is not ClientOperation:
                        operation = None
                # As `_tell` has it.
                if type(found) is ClientOperation:
                    peer = peer_of(read_socket(instance))
                    if type(peer) is not Peer:
                        untold = found
                    elif not found.end:
                        found.peer = peer
            except Exception as error:
                caught(error, recorder.library)
                operation = None
            if operation is None:
                result = send(*args, **kwargs)
            else:
                sending[id(instance)] = operation
                try:
                    result = send(*args, **kwargs)
                except BaseException as error:
                    recorder.fail(operation, NOTHING, error)
                    raise
                finally:
                    sending.pop(id(instance), None)
                guarded(recorder, self._sent, operation, instance)
            if untold is not None:
                guarded(recorder, self._tell, instance, untold)
            return result

        return method

    def _ends(self, after: After) -> Wrap:
        return lambda _: Replacement(lambda end: self._ended(end, after))

    def _ended(self, end: Method, after: After) -> Method:
        recorder, waiting = self._recorder, self._waiting

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:
            # Most often it is part of another library's request, and nobody waits here.
            if not (waiting and args) or recorder.off:
                return end(*args, **kwargs)
            operation = guarded(recorder, self._waits_for, args[0])
            if operation is None:
                return end(*args, **kwargs)
            try:
                result = end(*args, **kwargs)
            except BaseException as error:
                recorder.fail(operation, NOTHING, error)
                raise
            guarded(recorder, after, operation, result)
            return result

        return method

    def _tell(self, instance: object, operation: object) -> None:
        """Say whom it is connected to, if there is one to be told."""
        if type(operation) is ClientOperation and not operation.end:
            peer = PEERS.of(self.read_socket(instance))
            if type(peer) is Peer:
                operation.peer = peer  # as `detail` has it

    def _waits_for(self, instance: object) -> Operation | None:
        return self._waiting.pop(ref(instance), None)

    # After it.

    def _sent(self, operation: Operation, instance: object) -> None:
        self._give_up(ref(instance))
        self._waiting[ref(instance, self._give_up)] = operation

    def _answered(self, operation: Operation, result: object) -> None:
        self._recorder.finish(operation, NOTHING, result)

    def _closed(self, operation: Operation, result: object) -> None:  # noqa: ARG002
        self._recorder.fail(operation, NOTHING, Unanswered())

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
