"""A library is imported: its instrumentor is, too, and patches it."""

from __future__ import annotations

import sys

from otel_run_instrumentors.registry import INSTRUMENTORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.settings import Settings

told = False


def instrument(module_name: str) -> None:
    """Patch what the registry says of a module that was executed just now."""
    disabled = read_settings().disabled_instrumentations
    if "*" in disabled:
        return
    reference = INSTRUMENTORS[module_name]
    __import__(reference)
    instrumentor = sys.modules[reference].INSTRUMENTOR
    if instrumentor.library not in disabled:
        instrumentor.patch(module_name)


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
