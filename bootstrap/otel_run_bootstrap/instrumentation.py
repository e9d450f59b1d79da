"""A library is imported: its instrumentor is, too, and patches it."""

from __future__ import annotations

import sys

from otel_run_instrumentors.registry import INSTRUMENTORS


def instrument(module_name: str) -> None:
    """Patch what the registry says of a module that was executed just now."""
    from otel_run.settings import current

    disabled = current().disabled_instrumentations
    if "*" in disabled:
        return
    reference = INSTRUMENTORS[module_name]
    __import__(reference)
    instrumentor = sys.modules[reference].INSTRUMENTOR
    if instrumentor.library not in disabled:
        instrumentor.patch(module_name)
