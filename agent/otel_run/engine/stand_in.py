"""What stands in the place of a function: most often a plain function, else wrapt's wrapper.

wrapt stands for a function in every respect, and makes an object each time that a method is looked
up. A function of the original's kind takes a third of the time, and whoever inspects it finds the
original behind it: for what is no method of this very class that is not enough.
"""

from __future__ import annotations

import sys

from otel_run.engine.frames import is_unseen, unseen
from otel_run.engine.place import Replacement
from otel_run.engine.wrapt import Patched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from otel_run.engine.forms import Wrapper

    Items = Generator[object, None, object]
    Make = Callable[[Callable[..., Any], Wrapper], Callable[..., Any]]

# inspect.CO_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE and CO_ASYNC_GENERATOR.
GENERATOR, COROUTINE = 0x20, 0x80
OF_ITS_OWN_KIND = GENERATOR | COROUTINE | 0x100 | 0x200
NAMES = ("__module__", "__name__", "__qualname__", "__doc__")
# Where the function has them; from 3.14 on annotations are made only when somebody asks.
TYPES = ("__annotate__" if sys.version_info >= (3, 14) else "__annotations__", "__type_params__")


def stand_in(owner: object, original: Any, wrapper: Wrapper | Replacement) -> Any:
    """Return what takes the place of a function in its owner, a class or a module."""
    is_function = type(original) is FUNCTION
    kind = original.__code__.co_flags & OF_ITS_OWN_KIND if is_function else 0
    make = maker(owner, original, kind) if is_function else None
    if isinstance(wrapper, Replacement):
        if make is not None:
            made = like(original, kind, wrapper.make(original))
            if made is not None:
                return made
        wrapper = wrapper.otherwise
    if kind == COROUTINE:  # those that it makes have its names: tasks show them
        wrapper.__name__, wrapper.__qualname__ = original.__name__, original.__qualname__
    if make is not None:
        return make(original, wrapper)
    patched = Patched(original, wrapper)
    if isinstance(owner, type(sys)):
        patched._self_module = owner.__name__  # noqa: SLF001  where wrapt has a wrapper's own
    return patched


def like(original: Any, kind: int, made: Any) -> Any:
    """Return what was made of a method as one of its kind; None where it is none."""
    if made is None:
        return None
    made_kind = made.__code__.co_flags & OF_ITS_OWN_KIND
    if kind == COROUTINE and not made_kind:
        made, made_kind = of_coroutines(made), COROUTINE
    return named_like(original, made) if made_kind == kind else None


def maker(owner: object, original: Callable[..., Any], kind: int) -> Make | None:
    """Return what makes a function of this kind; None for what is no method of this very class."""
    name = original.__name__
    if not isinstance(owner, type) or owner.__dict__.get(name) is not original:
        return None
    return METHODS.get(kind)


def stands_in(found: object) -> bool:
    """Tell whether this is there in the place of another already."""
    return isinstance(found, Patched) or is_unseen(found)


def method(original: Callable[..., Any], wrapper: Wrapper) -> Callable[..., Any]:
    """Wrap a method by a plain function."""

    @unseen
    def wrapped(self: object, /, *args: object, **kwargs: object) -> object:
        return wrapper(bind(original, self), self, args, kwargs)

    return named_like(original, wrapped)


def coroutine_method(original: Callable[..., Any], wrapper: Wrapper) -> Callable[..., Any]:
    """Wrap a method that is a coroutine function by another one."""
    return named_like(original, of_coroutines(method(original, wrapper)))


if sys.version_info >= (3, 11):
    # The flags of a function say what it is, and do nothing: one that hands a coroutine on has no
    # frame to go through each time that the coroutine is resumed.

    def of_coroutines(function: Any) -> Callable[..., Any]:
        """Make a coroutine function of one that returns coroutines."""
        code = function.__code__.replace(co_flags=function.__code__.co_flags | COROUTINE)
        made: Any = FUNCTION
        return made(code, function.__globals__, closure=function.__closure__)  # type: ignore[no-any-return]

else:

    def of_coroutines(function: Any) -> Callable[..., Any]:
        """Make a coroutine function of one that returns coroutines."""

        @unseen
        async def awaited(*args: object, **kwargs: object) -> object:
            return await function(*args, **kwargs)

        return awaited


def generator_method(original: Callable[..., Any], wrapper: Wrapper) -> Callable[..., Any]:
    """Wrap a method that is a generator function by another one."""

    @unseen
    def wrapped(self: object, /, *args: object, **kwargs: object) -> Items:
        return (yield from wrapper(bind(original, self), self, args, kwargs))

    return named_like(original, wrapped)


FUNCTION = type(stand_in)
# As `__get__` does, in two thirds of its time.
bind: Any = type(stand_in.__get__(object()))
METHODS: dict[int, Make] = {
    0: method,
    COROUTINE: coroutine_method,
    GENERATOR: generator_method,
}


def named_like(original: Callable[..., Any], wrapped: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function the names of the one it stands for, and by that its signature."""
    for name in NAMES:
        setattr(wrapped, name, getattr(original, name, None))
    for name in TYPES:
        if hasattr(original, name):
            setattr(wrapped, name, getattr(original, name))
    wrapped.__dict__.update(getattr(original, "__dict__", {}))
    wrapped.__wrapped__ = original  # type: ignore[attr-defined] # where inspect finds the signature
    signature = signature_of(original)
    if signature is not None:
        wrapped.__signature__ = signature  # type: ignore[attr-defined]
    return wrapped


def signature_of(original: Callable[..., Any]) -> object:
    """Return the signature for those who do not look behind a function, as test doubles do.

    `inspect.getfullargspec` does not. None where nobody has imported `inspect` yet, or where what
    the annotations name is not there, as may be from 3.14 on.
    """
    read = getattr(sys.modules.get("inspect"), "signature", None)
    try:
        return None if read is None else read(original)
    except Exception:
        return None
