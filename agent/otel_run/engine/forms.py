"""The three ways to wrap a function: sync, async, and iterable.

A wrapper never lets a mistake of ours out: what a convention or a reader raises is caught, and the
call goes on untouched.
"""

from __future__ import annotations

from otel_run.engine.call import Call
from otel_run.engine.frames import unseen
from otel_run.engine.operation import Operation
from otel_run.guard import caught
from otel_run.signals.context import get_current, set_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from otel_run.engine.convention import Convention
    from otel_run.engine.place import Replacement

    Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
    # One of the three ways.
    Form = Callable[["Recorder"], "Wrapper | Replacement"]

# inspect.CO_COROUTINE, without inspect.
CO_COROUTINE = 0x80


class Recorder:
    """A convention behind a guard: it sees an operation to its end without ever raising."""

    __slots__ = ("convention", "library", "off")

    def __init__(self, convention: Convention, library: str) -> None:
        self.convention = convention
        convention.recorder = self
        self.library = library
        self.off = False

    def begin(self, call: Call) -> Operation | None:
        """Start an operation; None when the call must run untouched."""
        if self.off:
            return None
        before = get_current()
        try:
            operation = self.convention.begin(call)
            return operation if isinstance(operation, Operation) else None
        except BaseException as error:
            set_current(before)
            caught(error, self.library)
            return None

    def finish(self, operation: Operation, call: Call, result: object) -> None:
        """End the operation; one that has ended already only gives way."""
        try:
            if operation.end:
                operation.leave()
                return
            self.convention.finish(operation, call, result)
        except BaseException as error:
            self.abandon(operation, error)

    def fail(self, operation: Operation, call: Call, error: BaseException) -> None:
        """End the operation with the exception that leaves the call, unless it has ended."""
        try:
            if operation.end:
                operation.leave()
                return
            self.convention.fail(operation, call, error)
        except BaseException as mistake:
            self.abandon(operation, mistake)

    def retract(self, operation: Operation, error: BaseException) -> None:
        """Say that the exception comes before anything of the result was handed over."""
        try:
            if not operation.end:
                self.convention.retract(operation, error)
        except Exception as mistake:
            caught(mistake, self.library)

    def abandon(self, operation: Operation, mistake: BaseException) -> None:
        """Give an operation up after a mistake of ours, be it what it may."""
        try:
            operation.leave()
        except Exception as error:
            caught(error, self.library)
        caught(mistake, self.library)


def form_of(function: object) -> Form:
    """Choose the form for a function by looking at its code."""
    code = getattr(function, "__code__", None)
    return asynchronous if code is not None and code.co_flags & CO_COROUTINE else sync


def sync(recorder: Recorder) -> Wrapper:
    """Wrap a function that returns when it is done."""
    begin, fail = recorder.convention.begin, recorder.fail
    finish, library = recorder.convention.finish, recorder.library

    @unseen
    def wrapper(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        call = Call(wrapped, instance, args, kwargs)
        # As `Recorder.begin` and `finish` have it, without their frames: this is the hot path.
        before = get_current()
        try:
            operation = None if recorder.off else begin(call)
        except BaseException as error:  # a signal handler may raise when it is current already
            set_current(before)
            caught(error, library)
            operation = None
        if operation is None:  # of an outer layer's, which may have had this one amended
            return wrapped(*call.args, **call.kwargs)
        try:
            result = wrapped(*call.args, **call.kwargs) if call.kwargs else wrapped(*call.args)
        except BaseException as error:
            fail(operation, call, error)
            raise
        try:
            if operation.end:
                operation.leave()
            else:
                finish(operation, call, result)
        except BaseException as error:
            recorder.abandon(operation, error)
        return result

    return wrapper


def asynchronous(recorder: Recorder) -> Wrapper:
    """Wrap a coroutine function; recording begins when it is first awaited."""
    begin, fail = recorder.convention.begin, recorder.fail
    finish, library = recorder.convention.finish, recorder.library

    @unseen
    async def wrapper(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        call = Call(wrapped, instance, args, kwargs)
        # As the sync form: this is the hot path, too.
        before = get_current()
        try:
            operation = None if recorder.off else begin(call)
        except BaseException as error:
            set_current(before)
            caught(error, library)
            operation = None
        if operation is None:
            return await wrapped(*call.args, **call.kwargs)
        try:
            result = await wrapped(*call.args, **call.kwargs)
        except BaseException as error:
            fail(operation, call, error)
            raise
        try:
            if operation.end:
                operation.leave()
            else:
                finish(operation, call, result)
        except BaseException as error:
            recorder.abandon(operation, error)
        return result

    return wrapper


def iterable(
    is_whole: Callable[[Call, object], bool],
    place: Callable[[Any, Callable[[Any], Stream]], Any] | None = None,
) -> Form:
    """Wrap a function that returns what is iterated over later; it ends with the last item.

    What `is_whole` says to be complete is returned as it is. All else is returned as a stream of
    its items, or where it has to stay what it is, as `place` has it: that is handed the result, and
    what makes a stream of a part of it.
    """
    return lambda recorder: _iterable(recorder, is_whole, place)


def _iterable(
    recorder: Recorder,
    is_whole: Callable[[Call, object], bool],
    place: Callable[[Any, Callable[[Any], Stream]], Any] | None,
) -> Wrapper:
    begin, library = recorder.convention.begin, recorder.library

    @unseen
    def wrapper(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        call = Call(wrapped, instance, args, kwargs)
        # As the sync form: this is the hot path, too.
        before = get_current()
        try:
            operation = None if recorder.off else begin(call)
        except BaseException as error:
            set_current(before)
            caught(error, library)
            operation = None
        if operation is None:  # of an outer layer's, which may want to observe this one
            return wrapped(*call.args, **call.kwargs)
        try:
            result = wrapped(*call.args, **call.kwargs) if call.kwargs else wrapped(*call.args)
        except BaseException as error:
            recorder.retract(operation, error)
            recorder.fail(operation, call, error)
            raise
        try:
            whole = bool(is_whole(call, result))
            if not whole:
                operation.leave()
        except Exception as error:
            caught(error, library)
            whole = True
        if whole:
            recorder.finish(operation, call, result)
            return result
        if place is None:
            return Stream(recorder, operation, call, result)
        try:
            return place(result, lambda part: Stream(recorder, operation, call, part))
        except Exception as error:
            caught(error, library)
            return Stream(recorder, operation, call, result)

    return wrapper


class Stream:
    """The rest of a call: the items that it still has to give, and its end.

    The operation is current while an item is made, and never in between.
    """

    __slots__ = ("__weakref__", "_call", "_iterator", "_operation", "_recorder", "_result")

    def __init__(self, recorder: Recorder, operation: Operation, call: Call, result: Any) -> None:
        self._recorder = recorder
        self._operation = operation
        self._call = call
        self._result = result
        self._iterator: Iterator[Any] | None = None

    def __iter__(self) -> Stream:
        return self

    @unseen
    def __next__(self) -> Any:
        operation = self._operation
        operation.enter()
        iterator = begun = self._iterator
        try:
            if iterator is None:
                iterator = self._iterator = iter(self._result)
            item = next(iterator)
        except StopIteration:
            self._recorder.finish(operation, self._call, self._result)
            raise
        except BaseException as error:
            if begun is None:
                self._recorder.retract(operation, error)
            self._recorder.fail(operation, self._call, error)
            raise
        operation.leave()
        return item

    @unseen
    def close(self) -> None:
        """Close what is iterated over, and end."""
        close = getattr(self._result, "close", None)
        operation = self._operation
        operation.enter()
        try:
            if close is not None:
                close()
        except BaseException as error:
            self._recorder.fail(operation, self._call, error)
            raise
        self._recorder.finish(operation, self._call, self._result)

    def __del__(self) -> None:
        if not self._operation.end:
            self._recorder.finish(self._operation, self._call, self._result)
