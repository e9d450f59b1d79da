"""Why a library is not recorded in this process, though the program has imported it."""

from __future__ import annotations

import sys

from otel_run import guard
from otel_run_bootstrap import instrumentation
from otel_run_instrumentors.names import is_named
from otel_run_instrumentors.registry import CARRIERS, INSTRUMENTORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.engine import Instrumentor
    from otel_run.settings import Settings

# Of what is patched with the first library that is recorded, before there is one.
NOTHING_TO_CARRY = "there is nothing yet that it could carry along"


def imported(reference: str) -> list[str]:
    """Return the modules of a library that its instrumentor waits for and that are imported."""
    waiting = [name for name, waits in INSTRUMENTORS.items() if waits == reference]
    return [name for name in waiting if name in sys.modules]


def reason(reference: str, settings: Settings) -> str:
    """Say why nothing of a library is patched; "" where something is."""
    if is_named(reference, settings.disabled_instrumentations):
        return f"left alone, as {instrumentation.DISABLED} says"
    if instrumentation.broken:
        return "the agent cannot start"
    if not instrumentation.carrying and all(name in CARRIERS for name in imported(reference)):
        return NOTHING_TO_CARRY
    instrumentor = getattr(sys.modules.get(reference), "INSTRUMENTOR", None)
    if instrumentor is None:
        return mistakes(reference) or "its instrumentor cannot be imported"
    return "" if instrumentor.is_patched else what_went_wrong(instrumentor)


def what_went_wrong(instrumentor: Instrumentor) -> str:
    if guard.counts.get(instrumentor.library, 0) >= guard.LIMIT:
        return f"turned off after {guard.LIMIT} internal errors"
    places = [f"{place}: {why}" for place, why in instrumentor.skipped.items()]
    return places[0] + more(len(places) - 1) if places else "nothing of it could be patched"


def mistakes(reference: str) -> str:
    """Say what went wrong when the instrumentor was imported, as the guard has it."""
    places = {f"after the import of {name}" for name in imported(reference)}
    texts = [mistake.text for mistake in guard.ERRORS if mistake.where in places]
    return f"its instrumentor fails: {texts[-1]}" if texts else ""


def more(count: int) -> str:
    return f" (and {count} more)" if count > 0 else ""
