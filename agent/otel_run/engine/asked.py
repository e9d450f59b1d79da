"""Functions within a request that know where it leads to, and are asked for it at the end."""

from __future__ import annotations

from otel_run.engine.call import named
from otel_run.engine.frames import unseen
from otel_run.engine.place import Place, Replacement, plain
from otel_run.engine.server_operation import ServerOperation
from otel_run.guard import caught
from otel_run.signals.context import get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine.forms import Form, Recorder, Wrapper
    from otel_run.engine.http_server_detail import ReadDetail
    from otel_run.engine.place import Method


class Asked(Place):
    """A function of which the innermost call of a request is asked, once that has its response.

    `read` gives what the call knows, None where that is nothing. It is called with the subject of
    the request, or with what `read_subject` knows it of. A version that lacks an optional function
    has nothing to tell.
    """

    def __init__(
        self,
        place: str,
        read: ReadDetail,
        read_subject: Callable[[Any], object] | None = None,
        *,
        is_optional: bool = False,
    ) -> None:
        super().__init__(place)
        self.read = read
        self.read_subject = read_subject
        self.optional = (place,) if is_optional else ()

    def wrapper(self, recorder: Recorder) -> Replacement:
        """Make what is called instead."""
        return Replacement(lambda handle: self._asks(recorder, handle))

    def _asks(self, recorder: Recorder, handle: Method) -> Method:
        convention: Any = recorder.convention
        read, read_subject = self.read, self.read_subject
        library, names = recorder.library, convention.subject

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:
            operation = get_current()
            if type(operation) is ServerOperation:
                try:
                    given = args[1] if len(args) > 1 else named(kwargs, names)
                    subject = given if read_subject is None else read_subject(given)
                    # Most often it is called with the very subject.
                    if subject is operation.subject or convention.is_within(operation, subject):
                        operation.asked = read, args[0], given
                except Exception as error:
                    caught(error, library)
            return handle(*args, **kwargs) if kwargs else handle(*args)

        return method


class Inner(Place):
    """A method that an application calls for itself, and others in its place.

    Where it is part of a call of the application, that is asked already, and it runs at once. Any
    other call of it is of the form given.
    """

    def __init__(self, place: str, form: Form) -> None:
        super().__init__(place)
        self.form = form

    def wrapper(self, recorder: Recorder) -> Replacement:
        """Make what is called instead."""
        serve = plain(self.form(recorder))
        return Replacement(lambda handle: self._serves(handle, serve), serve)

    def _serves(self, handle: Method, serve: Wrapper) -> Method:
        bind: Any = handle

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:
            operation = get_current()
            if type(operation) is ServerOperation and len(args) > 1:
                asked = operation.asked
                if asked is not None and asked[2] is args[1]:
                    return handle(*args, **kwargs) if kwargs else handle(*args)
            if not args:
                return handle(**kwargs)
            return serve(bind.__get__(args[0]), args[0], args[1:], kwargs)

        return method
