"""A function of ours in a pickle for a process that may not have the agent."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Reference:
    """Unpickles as a function of a module, if that is loaded by then, else as another function.

    A pickle imports whatever it names, and fails where that is missing. But it may make calls, and
    a few of Python's own functions tell what is loaded.
    """

    def __init__(self, module: str, name: str, instead: Callable[..., Any]) -> None:
        self.module = module
        self.name = name
        self.instead = instead

    def __call__(self, *arguments: Any) -> Any:
        return getattr(sys.modules.get(self.module), self.name, self.instead)(*arguments)

    def __reduce__(self) -> Any:
        modules = Later(getattr, Later(__import__, "sys"), "modules")
        module = Later(Later(getattr, modules, "get"), self.module)
        return getattr, (module, self.name, self.instead)


class Later:
    """A call that is made where it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments

    def __call__(self) -> None:
        """Pickle asks for something that can be called."""

    def __reduce__(self) -> Any:
        return self.function, self.arguments
