"""What stands in the place of a function: most often a plain function, else wrapt's wrapper.

wrapt stands for a function in every respect, and makes an object each time that a method is looked
up. A plain function takes half of the time, and whoever inspects it finds the original behind it:
of generators, coroutines, and what is no method of this very class, that is not enough.
"""

from __future__ import annotations

import sys

from otel_run.engine.frames import is_unseen, unseen
from otel_run.engine.wrapt import Patched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine.forms import Wrapper

# inspect.CO_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE and CO_ASYNC_GENERATOR.
OF_ITS_OWN_KIND = 0x20 | 0x80 | 0x100 | 0x200
NAMES = ("__module__", "__name__", "__qualname__", "__doc__")


def stand_in(owner: object, original: Any, wrapper: Wrapper) -> Any:
    """Return what takes the place of a function in its owner, a class or a module."""
    is_method = (
        isinstance(owner, type)
        and type(original) is type(stand_in)
        and owner.__dict__.get(original.__name__) is original
    )
    if is_method and not original.__code__.co_flags & OF_ITS_OWN_KIND:
        return method(original, wrapper)
    patched = Patched(original, wrapper)
    if isinstance(owner, type(sys)):
        patched._self_module = owner.__name__  # noqa: SLF001  where wrapt has a wrapper's own
    return patched


def stands_in(found: object) -> bool:
    """Tell whether this is there in the place of another already."""
    return isinstance(found, Patched) or is_unseen(found)


def method(original: Callable[..., Any], wrapper: Wrapper) -> Callable[..., Any]:
    """Wrap a method by a plain function."""

    @unseen
    def wrapped(self: object, /, *args: object, **kwargs: object) -> object:
        return wrapper(original.__get__(self), self, args, kwargs)

    return named_like(original, wrapped)


def named_like(original: Callable[..., Any], wrapped: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function the names of the one it stands for, and by that its signature."""
    for name in NAMES:
        setattr(wrapped, name, getattr(original, name, None))
    wrapped.__dict__.update(getattr(original, "__dict__", {}))
    wrapped.__wrapped__ = original  # type: ignore[attr-defined] # where inspect finds the signature
    return wrapped
