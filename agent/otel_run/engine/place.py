"""A place to patch, and what takes the place of a method there."""

from __future__ import annotations

from otel_run.engine.frames import unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from otel_run.engine.forms import Recorder, Wrapper

    # A method as a function: the object is the first of its arguments.
    Method = Callable[..., Any]
    # How a place is wrapped, given the function that is there; None where it stays as it is.
    Wrap = Callable[[Any], "Wrapper | Replacement | None"]


class Place:
    """A target of one place, `module:name` or `module:Class.name`, wrapped whatever is there."""

    def __init__(self, place: str) -> None:
        self.place = place

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        yield self.place, lambda _: self.wrapper(recorder)

    def wrapper(self, recorder: Recorder) -> Wrapper | Replacement:
        """Make what is called instead of the function that is there."""
        raise NotImplementedError


class Replacement:
    """What is called instead of a method, made by `make` of the method's function.

    A wrapper can stand for anything, and needs another frame before it and a bound method for that.
    A replacement is a function of the method's own kind; for a coroutine function it may be one
    that returns the coroutines. The wrapper `otherwise` does the same for what is no plain method,
    or of which `make` makes None; it comes bound already.
    """

    __slots__ = ("make", "otherwise")

    def __init__(
        self, make: Callable[[Method], Method | None], otherwise: Wrapper | None = None
    ) -> None:
        self.make = make
        self.otherwise = otherwise or self._wrapper()

    def _wrapper(self) -> Wrapper:
        make = self.make

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            @unseen
            def method(_: object, /, *args: object, **kwargs: object) -> Any:
                return wrapped(*args, **kwargs)

            replacement: Any = make(method)
            # Coroutines that it makes have its names: tasks show them.
            replacement.__name__, replacement.__qualname__ = wrapper.__name__, wrapper.__qualname__
            return replacement(instance, *args, **kwargs)

        return wrapper


def plain(made: Wrapper | Replacement) -> Wrapper:
    """Return what can stand for anything."""
    return made.otherwise if isinstance(made, Replacement) else made
