"""The function wrapper of wrapt, without its weight.

`import wrapt` brings asyncio, ssl, socket, logging and importlib.metadata along. Only its
extension module is loaded here (or `wrappers.py`, where there is none for this interpreter), under
a private name, from the copy beside the agent: the program's own wrapt is neither imported nor
shadowed.
"""

from __future__ import annotations

import os
import sys

from otel_run.engine.frames import unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

PACKAGE = f"{__package__}._wrapt"


def find_wrapt() -> str:
    """Find wrapt's folder beside the agent, else where the program would find it."""
    beside = __file__
    for _ in __name__.split("."):
        beside = os.path.dirname(beside)
    for entry in (beside, *sys.path):
        folder = os.path.join(entry, "wrapt")
        if os.path.isfile(os.path.join(folder, "wrappers.py")):
            return folder
    message = f"wrapt is not installed beside {beside}"
    raise ImportError(message)


def _load(name: str) -> ModuleType:
    return __import__(f"{PACKAGE}.{name}", fromlist=("*",))


def _load_extension() -> ModuleType:
    """Load the extension module; from 2.5 on it imports `wrapt.exceptions`, and `wrapt` with it."""
    lent: list[str] = []
    if os.path.exists(os.path.join(find_wrapt(), "exceptions.py")):
        for name, module in (
            ("wrapt", sys.modules[PACKAGE]),
            ("wrapt.exceptions", _load("exceptions")),
        ):
            if sys.modules.setdefault(name, module) is module:
                lent.append(name)
    try:
        return _load("_wrappers")
    finally:
        for name in lent:
            del sys.modules[name]


def _load_wrappers() -> ModuleType:
    package = type(sys)(PACKAGE)
    package.__path__ = [find_wrapt()]
    sys.modules[PACKAGE] = package
    try:
        return _load_extension()
    except ImportError:
        return _load("wrappers")


def _hide_frames(kind: type) -> None:
    """Have nobody see the frames of wrapt in Python, as nobody sees those in C."""
    for base in kind.__mro__:
        call: Any = vars(base).get("__call__")
        if hasattr(call, "__code__"):
            unseen(call)


_wrappers = _load_wrappers()
_hide_frames(_wrappers.FunctionWrapper)
_hide_frames(_wrappers.BoundFunctionWrapper)


def _resolve(reference: str) -> Any:
    from pkgutil import resolve_name

    return resolve_name, (reference,)


class PatchedMethod(_wrappers.BoundFunctionWrapper):  # type: ignore[name-defined,misc]
    """A patched function as an attribute of an instance or a class."""

    def __reduce_ex__(self, protocol: object) -> Any:
        wrapped = self.__wrapped__
        owner = getattr(wrapped, "__self__", None)
        if owner is None:
            return _resolve(f"{wrapped.__module__}:{wrapped.__qualname__}")
        return getattr, (owner, wrapped.__name__)

    def __copy__(self) -> PatchedMethod:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Any:
        from copy import deepcopy

        owner = getattr(self.__wrapped__, "__self__", None)
        return self if owner is None else getattr(deepcopy(owner, memo), self.__wrapped__.__name__)


class Patched(_wrappers.FunctionWrapper):  # type: ignore[name-defined,misc]
    """A patched function: pickles, copies and deep-copies like the function it stands for.

    `_self_module` is the module that it stands in: a function in C may name a hidden one.
    """

    __bound_function_wrapper__ = PatchedMethod

    def __reduce_ex__(self, protocol: object) -> Any:
        wrapped = self.__wrapped__
        module = getattr(self, "_self_module", wrapped.__module__)
        return _resolve(f"{module}:{wrapped.__qualname__}")

    def __copy__(self) -> Patched:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Patched:
        return self
