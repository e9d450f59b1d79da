"""A function within a call that finds something only where the operation is over already."""

from __future__ import annotations

from otel_run.engine.call import NOTHING, Call
from otel_run.engine.frames import unseen
from otel_run.engine.place import Place, Replacement
from otel_run.guard import caught
from otel_run.signals.context import get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine.forms import Recorder
    from otel_run.engine.place import Method


# A name that no class of the program's has for something else.
ENDED = "_otel_run_ended"


class Early(Place):
    """A function that returns None, unless the call goes on with what is none of the operation's.

    `read_result` gives the result with which the operation ends. One result ends one operation:
    where the function is asked about it again, another one may be current, around all of this.
    """

    def __init__(self, place: str, read_result: Callable[[Call], object]) -> None:
        super().__init__(place)
        self.read_result = read_result

    def wrapper(self, recorder: Recorder) -> Replacement:
        """Make what is called instead."""
        return Replacement(lambda find: self._finds(recorder, find))

    def _finds(self, recorder: Recorder, find: Method) -> Method:
        read_result = self.read_result

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:
            found = find(*args, **kwargs)
            if found is None or recorder.off:
                return found
            operation: Any = get_current()
            if operation is not None and operation.convention is recorder.convention:
                try:
                    result = read_result(Call(find, args[0], args[1:], kwargs))
                    marks = getattr(result, "__dict__", {})
                    if ENDED not in marks:
                        marks[ENDED] = True
                        recorder.finish(operation, NOTHING, result)
                except Exception as error:
                    caught(error, recorder.library)
            return found

        return method
