"""How many requests of the same purpose went before: noted on what libraries call a request.

All that one call leads to, by redirects and challenges, shares a count, a list of one number. A
request that was led to has it in a tuple until it is sent for the first time. Where one call of an
outer library sends a request more than once, what stays the same of it has the span as `WITHIN`.
"""

from __future__ import annotations

from otel_run.engine.frames import unseen
from otel_run.engine.place import Place, Replacement
from otel_run.guard import caught

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from otel_run.engine.forms import Recorder
    from otel_run.engine.place import Method

# Names that no class of the program's has for something else. Nobody asks for the `__dict__` of a
# request here, for attributes of an object that was asked for it take longer from then on.
COUNT = "_otel_run_count"
WITHIN = "_otel_run_within"


def count_sending(request: Any, *, is_answer: bool = True) -> int:
    """Count the request that is sent now; return how many went before it.

    One that was sent before is so again to answer something, or else the program has begun anew.
    """
    count = getattr(request, COUNT, None)
    if count is None:
        setattr(request, COUNT, [1])
        return 0
    if type(count) is tuple:
        (count,) = count
    elif not is_answer:
        count = [0]
    setattr(request, COUNT, count)
    before: int = count[0]
    count[0] = before + 1
    return before


def follow(before: Any, request: Any) -> None:
    """Note on the request that the one before led to it."""
    count = getattr(before, COUNT, None)
    setattr(request, COUNT, (count if type(count) is list else [1],))


def is_sent_again(part: Any, by: int) -> bool:
    """Tell whether the span of this id has sent this part before.

    What the program sends with it in other operations is none of that one's.
    """
    marks = getattr(part, "__dict__", None)
    if marks is None:
        return False
    before: int | None = marks.get(WITHIN)
    marks[WITHIN] = by
    return before == by


class Beginning(Place):
    """A function with which the program sends a request, its first argument, maybe once more.

    What it has been sent for until now is over.
    """

    def __init__(self, place: str, name: str) -> None:
        super().__init__(place)
        self.name = name

    def wrapper(self, recorder: Recorder) -> Replacement:
        """Make what is called instead."""
        return Replacement(lambda begin: self._begins(recorder, begin))

    def _begins(self, recorder: Recorder, begin: Method) -> Method:
        name, library = self.name, recorder.library

        @unseen
        def method(*args: Any, **kwargs: Any) -> Any:
            try:
                request = args[1] if len(args) > 1 else kwargs[name]
                if type(getattr(request, COUNT, None)) is list:
                    setattr(request, COUNT, None)
            except Exception as error:
                caught(error, library)
            return begin(*args, **kwargs)

        return method
