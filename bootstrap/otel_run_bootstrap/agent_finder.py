"""Serves the agent's packages to a program whose environment does not have them."""

from __future__ import annotations

import os
import sys
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

PACKAGES = ("otel_run", "otel_run_bootstrap", "otel_run_instrumentors")
# Installed, the packages lie side by side; in a checkout each has a source root of its own.
SOURCE_ROOTS = ("agent", "instrumentors")


class AgentFinder:
    """Finds the agent's packages, and nothing else of what is installed beside them."""

    __slots__ = ("folders",)

    def __init__(self, folders: list[str]) -> None:
        self.folders = folders

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 (the protocol's)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if name not in PACKAGES:
            return None
        return PathFinder.find_spec(name, self.folders)


def install() -> None:
    """Ask this finder last: whatever the program has wins."""
    sys.meta_path.append(AgentFinder(folders()))


def folders() -> list[str]:
    """Where the packages can be: beside this one, or in a checkout's other source roots."""
    beside = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parent = os.path.dirname(beside)
    return [beside, *(os.path.join(parent, root) for root in SOURCE_ROOTS)]


def leave_out_of_coverage(module_name: str) -> None:
    """Have coverage take the agent for what it is, a third party's.

    It knows these by the folders of the program's environment, where the agent need not be.
    """
    module: Any = sys.modules[module_name]
    for name in ("_add_third_party_paths", "add_third_party_paths"):
        if hasattr(module, name):
            setattr(module, name, with_ours(getattr(module, name)))


def with_ours(add_paths: Callable[[set[str]], None]) -> Callable[[set[str]], None]:
    def add_third_party_paths(paths: set[str]) -> None:
        add_paths(paths)
        paths.update(map(os.path.realpath, folders()))

    return add_third_party_paths
