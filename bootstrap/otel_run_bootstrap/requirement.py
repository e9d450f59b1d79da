"""OTEL_RUN_REQUIRE: at a process's end, a line for each library that it should have recorded.

Every process tells of what it has imported. Of what was never imported the first one tells alone:
of those that it starts, each imports what it needs.
"""

from __future__ import annotations

from otel_run.notice import say
from otel_run_bootstrap import instrumentation
from otel_run_bootstrap.omission import imported, reason
from otel_run_instrumentors.names import own_name, plain
from otel_run_instrumentors.registry import INSTRUMENTORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.settings import Settings


def tell(settings: Settings) -> None:
    """Say what is missing, whatever `-q` asks for: this was asked for by name."""
    if not instrumentation.told and (settings.root or not settings.root_pid):
        unknown = instrumentation.unknown_names
        for line in unknown(instrumentation.REQUIRED, settings.required_instrumentations):
            say(line)
    for name, why in missing(settings):
        say(f"{name} is not recorded: {why} (required by {instrumentation.REQUIRED})")


def missing(settings: Settings) -> list[tuple[str, str]]:
    """Return each library that is required and not patched here, and why."""
    known = {own_name(reference): reference for reference in INSTRUMENTORS.values()}
    asked = settings.required_instrumentations
    found = {name: why_missing(known.get(plain(name), ""), name, settings) for name in asked}
    return sorted((name, why) for name, why in found.items() if why)


def why_missing(reference: str, name: str, settings: Settings) -> str:
    is_first = settings.root or not settings.root_pid
    if not reference:
        from otel_run_instrumentors.names import unknown

        # What nobody knows is a bad setting, which is told as such.
        is_told = bool(unknown((name,))) or not is_first
        return "" if is_told else "otel-run has nothing for it, see otel-run libraries"
    if imported(reference):
        return reason(reference, settings)
    return "the run's first process never imported it" if is_first else ""
