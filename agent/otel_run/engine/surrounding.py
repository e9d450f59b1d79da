"""A function around operations that its readers may ask for what is not passed further in."""

from __future__ import annotations

from _contextvars import ContextVar

from otel_run.engine.call import Call
from otel_run.engine.frames import unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from otel_run.engine.forms import Recorder, Wrapper
    from otel_run.engine.place import Wrap


class Surrounding:
    """A function whose running call is known to readers of calls within it.

    `is_needed` is given the function, and tells whether this version passes too little further in.
    """

    def __init__(self, place: str, is_needed: Callable[[Any], bool] = bool) -> None:
        self.place = place
        self.is_needed = is_needed
        self._running: ContextVar[Call | None] = ContextVar(place, default=None)

    @property
    def call(self) -> Call | None:
        """The innermost call that is running around here; None outside of any."""
        return self._running.get()

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        yield (
            self.place,
            lambda function: self._wrapper(recorder) if self.is_needed(function) else None,
        )

    def _wrapper(self, recorder: Recorder) -> Wrapper:
        running = self._running

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            if recorder.off:
                return wrapped(*args, **kwargs)
            token = running.set(Call(wrapped, instance, args, kwargs))
            try:
                return wrapped(*args, **kwargs)
            finally:
                running.reset(token)

        return wrapper
