"""Frames of ours between the program and a library: who asks must still find the program's line."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, TypeVar

    Wrapper = TypeVar("Wrapper", bound=Callable[..., Any])


UNSEEN = "<otel_run, like importlib._bootstrap>"


def unseen(wrapper: Wrapper) -> Wrapper:
    """Leave the wrapper out of what a warning's `stacklevel` counts, as importlib's frames are.

    And out of the tracebacks that pytest prints.
    """
    wrapper.__globals__["__tracebackhide__"] = True
    code: Any = wrapper.__code__
    wrapper.__code__ = code.replace(co_filename=UNSEEN)
    return wrapper


def is_unseen(function: object) -> bool:
    """Tell whether a function is such a wrapper."""
    return getattr(getattr(function, "__code__", None), "co_filename", "") == UNSEEN


def find_caller() -> FrameType:
    """Return the frame of whoever has called, beyond all that are ours."""
    frame = sys._getframe(1)  # noqa: SLF001
    while frame.f_code.co_filename == UNSEEN and frame.f_back is not None:
        frame = frame.f_back
    return frame


def named_after(coroutine: Any, function: Callable[..., Any]) -> Any:
    """Give a coroutine of ours the name of the function that it stands for: tasks show it."""
    coroutine.__name__ = getattr(function, "__name__", coroutine.__name__)
    coroutine.__qualname__ = getattr(function, "__qualname__", coroutine.__qualname__)
    return coroutine


def call_from(
    frame: FrameType, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call from a frame that says it is the given one: C code warns at the line of its caller."""
    code = _call.__code__.replace(
        co_filename=frame.f_code.co_filename,
        co_firstlineno=frame.f_lineno,
        co_name=frame.f_code.co_name,
    )
    make: Any = type(_call)
    return make(code, frame.f_globals)(function, args, kwargs)


# On one line, for that is the line of the frame.
_call = lambda function, args, kwargs: function(*args, **kwargs)  # noqa: E731
