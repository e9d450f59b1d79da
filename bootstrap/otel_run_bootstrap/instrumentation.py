"""A library is imported: its instrumentor is, too, and patches it."""

from __future__ import annotations

import sys

from otel_run_instrumentors.registry import CARRIERS, INSTRUMENTORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from otel_run.settings import Settings

told = False
carrying = False


def instrument(module_name: str) -> None:
    """Patch what the registry says of a module that was executed just now."""
    if module_name in CARRIERS and not carrying:
        return
    disabled = read_settings().disabled_instrumentations
    if "*" not in disabled and patch(module_name, disabled) and not carrying:
        carry(disabled)


def patch(module_name: str, disabled: Container[str]) -> bool:
    """Patch a module, unless its library is to be left alone."""
    reference = INSTRUMENTORS[module_name]
    __import__(reference)
    instrumentor = sys.modules[reference].INSTRUMENTOR
    if instrumentor.library in disabled:
        return False
    instrumentor.patch(module_name)
    return True


def carry(disabled: Container[str]) -> None:
    """Patch what carries along and is imported by now; the rest is patched when it is."""
    global carrying  # noqa: PLW0603 (from the first library on)
    carrying = True
    for name in CARRIERS:
        if is_executed(name):
            patch(name, disabled)


def is_executed(module_name: str) -> bool:
    spec = getattr(sys.modules.get(module_name), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def read_settings() -> Settings:
    """Return the settings; the first process of a run says what cannot be used, once."""
    global told  # noqa: PLW0603 (once in a process, and never in its forks)
    from otel_run.settings import current

    settings = current()
    if not told:
        told = True
        if settings.complaints and (settings.root or not settings.root_pid):
            complain(settings.complaints)
    return settings


def complain(complaints: tuple[str, ...]) -> None:
    from otel_run.notice import inform

    for line in complaints:
        inform(line)
