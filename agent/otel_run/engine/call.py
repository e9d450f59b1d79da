"""One call of a patched function."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Call:
    """A function with what it is called with; readers look at it, a convention may amend it."""

    __slots__ = ("args", "function", "instance", "kwargs")

    def __init__(
        self,
        function: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.function = function
        self.instance = instance
        self.args = args
        self.kwargs = kwargs

    def arg(self, position: int, name: str, default: Any = None) -> Any:
        """Return the argument, however it was passed."""
        if position < len(self.args):
            return self.args[position]
        return self.kwargs.get(name, default)

    def bound(self, names: tuple[str, ...]) -> tuple[Any, ...]:
        """Return the arguments of these names, however they were passed; None for what was not."""
        given = self.args
        if len(given) == len(names):
            return given
        return (*given, *map(self.kwargs.get, names[len(given) :]))

    def replace(self, position: int, name: str, value: object) -> None:
        """Pass another argument instead, the way that it was passed."""
        if position < len(self.args):
            args = list(self.args)
            args[position] = value
            self.args = tuple(args)
        else:
            self.kwargs = {**self.kwargs, name: value}


def named(kwargs: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Return the argument that was passed by one of these names; None where none was."""
    return next((kwargs[name] for name in names if name in kwargs), None)


# Stands for the call where an operation ends outside of any.
NOTHING = Call(lambda: None, None, (), {})
