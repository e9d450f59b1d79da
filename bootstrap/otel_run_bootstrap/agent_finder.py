"""Serves the agent's packages to a program whose environment does not have them."""

from __future__ import annotations

import os
import sys
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

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
    beside = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parent = os.path.dirname(beside)
    sources = [os.path.join(parent, root) for root in SOURCE_ROOTS]
    sys.meta_path.append(AgentFinder([beside, *sources]))
