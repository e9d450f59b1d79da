"""Calls functions at the end of the execution of the modules they wait for.

The spec of such a module is the one that the other finders give, with the loader they give. Only
its `exec_module` is shadowed, by an attribute of the loader's instance.
"""

from __future__ import annotations

import sys
from _frozen_importlib import _find_spec  # type: ignore[attr-defined]

from otel_run.native import get_ident
from otel_run_bootstrap.mistake import swallow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    Execute = Callable[[ModuleType], object]


class WatchedLoader:
    """Stands for a loader that takes no attributes, such as a class, until it executes."""

    __slots__ = ("exec_module", "loader")

    def __init__(self, loader: Loader, exec_module: Execute) -> None:
        self.loader = loader
        self.exec_module = exec_module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


class ImportHook:
    """A finder that goes first; `functions` are called with the name of their module."""

    __slots__ = ("functions", "searches")

    def __init__(self, functions: dict[str, Callable[[str], object]]) -> None:
        self.functions = functions
        self.searches: set[tuple[int, str]] = set()

    def install(self) -> None:
        sys.meta_path.insert(0, self)
        for name in self.functions:
            self.fire(name)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self.functions:
            return None
        search = (get_ident(), name)
        # The search below asks this finder again, and so do finders that search by themselves.
        if search in self.searches:
            return None
        self.searches.add(search)
        try:
            spec: ModuleSpec | None = _find_spec(name, path, target)
        finally:
            self.searches.discard(search)
        try:
            self.watch(spec)
        except Exception as error:
            swallow(error, f"watching {name}")
        return spec

    def watch(self, spec: ModuleSpec | None) -> None:
        execute = getattr(spec and spec.loader, "exec_module", None)
        if spec is None or spec.loader is None or execute is None:
            return
        if getattr(execute, "hook", None) is not self:
            exec_module = watched(execute, self)
            if not shadow(spec.loader, exec_module):
                spec.loader = WatchedLoader(spec.loader, exec_module)  # type: ignore[assignment]

    def fire(self, name: str) -> None:
        function = self.functions.get(name)
        if function is None or name not in sys.modules:
            return
        try:
            function(name)
        except Exception as error:
            swallow(error, f"after the import of {name}")


def watched(execute: Execute, hook: ImportHook) -> Execute:
    """Return a generic `exec_module`: one loader may serve many modules, as that of a zip file."""

    def exec_module(module: ModuleType) -> None:
        name = module.__name__
        give_back_loader(module)
        execute(module)
        hook.fire(name)

    # Python leaves importlib's own frames out of tracebacks and of a warning's stacklevel.
    code = exec_module.__code__.replace(co_filename="<frozen importlib._bootstrap_external>")
    exec_module.__code__ = code
    exec_module.hook = hook  # type: ignore[attr-defined]
    return exec_module


def shadow(loader: Loader, exec_module: Execute) -> bool:
    """Shadow the method in the instance; False where it does not take effect."""
    if isinstance(loader, type):
        return False
    try:
        loader.exec_module = exec_module  # type: ignore[method-assign, assignment]
    except (AttributeError, TypeError):
        return False
    if loader.exec_module is exec_module:
        return True
    # A proxy with a method of its own has passed the attribute on to what it stands for.
    del loader.exec_module
    return False


def give_back_loader(module: ModuleType) -> None:
    spec = module.__spec__
    loader: object = spec and spec.loader
    if spec is not None and isinstance(loader, WatchedLoader):
        spec.loader = module.__loader__ = loader.loader
