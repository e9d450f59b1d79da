"""What an instrumentor patches: places, and what happens there.

A place is `module:name` or `module:Class.name`.
"""

from __future__ import annotations

import sys

from otel_run.engine.call import Call
from otel_run.engine.forms import form_of
from otel_run.engine.frames import unseen
from otel_run.engine.place import Place, Replacement, plain
from otel_run.engine.subclass import replacing
from otel_run.engine.wrapt import Patched
from otel_run.export import termination
from otel_run.export.pipeline import PIPELINE
from otel_run.guard import caught
from otel_run.signals.context import SUPPRESSED, get_current, set_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from otel_run.engine.forms import Form, Recorder, Wrapper
    from otel_run.engine.place import Method, Wrap
    from otel_run.engine.subclass import Subclass


class Function(Place):
    """A function of which each call is an operation, in the form given, else that of its code."""

    def __init__(self, place: str, form: Form | None = None) -> None:
        super().__init__(place)
        self.form = form

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        yield self.place, lambda function: (self.form or form_of(function))(recorder)


class Application(Place):
    """A function that is handed an application, whose calls are the operations."""

    def __init__(self, place: str, position: int, name: str, form: Form) -> None:
        super().__init__(place)
        self.position = position
        self.name = name
        self.form = form

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""
        serve = plain(self.form(recorder))

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            call = Call(wrapped, instance, args, kwargs)
            application = call.arg(self.position, self.name)
            if callable(application) and not isinstance(application, Patched):
                call.replace(self.position, self.name, Patched(application, serve))
            return wrapped(*call.args, **call.kwargs)

        return wrapper


class Loaded(Place):
    """A method after which its object holds an application, whose calls are the operations."""

    def __init__(self, place: str, attribute: str, form: Form) -> None:
        super().__init__(place)
        self.attribute = attribute
        self.form = form

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""
        serve = plain(self.form(recorder))

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            result = wrapped(*args, **kwargs)
            application = getattr(instance, self.attribute, None)
            if callable(application) and not isinstance(application, Patched):
                setattr(instance, self.attribute, Patched(application, serve))
            return result

        return wrapper


class Detail(Place):
    """A function within an operation that knows something of it.

    `before` and `after` read the call, before it runs or after it came back, and return what the
    convention's `detail` takes, or None. A version that lacks an optional function has nothing to
    tell.
    """

    def __init__(
        self,
        place: str,
        *,
        before: Callable[[Call], object] | None = None,
        after: Callable[[Call], object] | None = None,
        is_optional: bool = False,
    ) -> None:
        super().__init__(place)
        self.optional = (place,) if is_optional else ()
        self.before = before
        self.after = after

    def wrapper(self, recorder: Recorder) -> Replacement:
        """Make what is called instead."""
        return Replacement(lambda function: self._tells(recorder, function))

    def _tells(self, recorder: Recorder, function: Method) -> Method:
        before, after = self.before, self.after
        detail, name = recorder.convention.detail, recorder.convention.name

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:
            operation: Any = get_current()
            convention = None if operation is None else operation.convention
            if convention is None or convention.name != name or not args:
                return function(*args, **kwargs)
            call = Call(function, args[0], args[1:], kwargs)
            if before is not None:
                # As `tell` has it, without its frame: this is the hot path.
                try:
                    found = before(call)
                    if found is not None and not operation.end:
                        detail(operation, found)
                except Exception as error:
                    caught(error, recorder.library)
            result = function(*args, **kwargs) if kwargs else function(*args)
            if after is not None:
                tell(recorder, after, call, operation)
            return result

        return method


class Note(Place):
    """A function after which something is noted on an object of the library, for a reader to find.

    `write` is given the call and its result, be there an operation or none; if `is_handling`, only
    where an exception is being handled.
    """

    def __init__(
        self, place: str, write: Callable[[Call, Any], None], *, is_handling: bool = False
    ) -> None:
        super().__init__(place)
        self.write = write
        self.is_handling = is_handling

    def wrapper(self, recorder: Recorder) -> Replacement:
        """Make what is called instead."""
        return Replacement(lambda function: self._notes(recorder, function))

    def _notes(self, recorder: Recorder, function: Method) -> Method:
        write, is_handling = self.write, self.is_handling

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs) if kwargs else function(*args)
            if not recorder.off and not (is_handling and sys.exc_info()[1] is None):
                try:
                    write(Call(function, args[0], args[1:], kwargs), result)
                except Exception as error:
                    caught(error, recorder.library)
            return result

        return method


class Silent(Place):
    """A function of which nothing is recorded: what a library does on its own account."""

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
            if recorder.off:
                return wrapped(*args, **kwargs)
            before = get_current()
            try:
                set_current(SUPPRESSED)
                return wrapped(*args, **kwargs)
            finally:
                set_current(before)

        return wrapper


class Lifelong(Place):
    """A function that runs until the process ends, be it by SIGTERM: all is sent before that.

    A server may have put the signal's default back since its first library was imported.
    """

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
            if not recorder.off:
                try:
                    termination.arm(PIPELINE.shutdown)
                except Exception as error:
                    caught(error, recorder.library)
            return wrapped(*args, **kwargs)

        return wrapper


def tell(recorder: Recorder, read: Callable[[Call], object], call: Call, operation: Any) -> None:
    """Give an operation of this convention what the reader finds."""
    try:
        detail = read(call)
        if detail is not None and not operation.end:
            recorder.convention.detail(operation, detail)
    except Exception as error:
        caught(error, recorder.library)


class Factory(Place):
    """A function that makes an object of a class given to it, and is given a subclass instead."""

    def __init__(self, place: str, position: int, name: str, subclass: Subclass) -> None:
        super().__init__(place)
        self.position = position
        self.name = name
        self.subclass = subclass

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""
        subclass = self.subclass
        module = sys.modules[self.place.partition(":")[0]]
        make = subclass.maker(recorder, module)
        return replacing(self.position, self.name, make, recorder, subclass.made)
