"""The line at the start of a run: the version, the service, and where each signal goes.

Where none ever came, `-v` has one at the end that says why.
"""

from __future__ import annotations

from otel_run import __version__
from otel_run.export.destinations import SIGNALS
from otel_run.signals.resource import service_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.settings import Settings


def introduction(settings: Settings) -> str:
    """Return `0.1.0 records shop: traces and metrics to http://localhost:4318`."""
    name = service_name(settings)
    if "*" in settings.disabled_instrumentations:
        reason = "every library is to be left alone (OTEL_PYTHON_DISABLED_INSTRUMENTATIONS)"
        return f"{__version__} records nothing of {name}: {reason}"
    targets: dict[str, list[str]] = {}
    for signal in SIGNALS:
        targets.setdefault(target(settings, signal), []).append(signal)
    parts = [f"{' and '.join(signals)} {where}" for where, signals in targets.items()]
    return f"{__version__} records {name}: {', '.join(parts)}"


def emptiness(settings: Settings) -> str:
    """Return what is said at the end instead, where nothing that is recorded was imported."""
    return (
        f"{__version__} recorded nothing of {service_name(settings)}: this Python imported no "
        "library that is recorded, see: otel-run libraries"
    )


def target(settings: Settings, signal: str) -> str:
    """Say where a signal goes, by its URL as one would set it for all of them.

    What follows the question mark may be a secret.
    """
    url = settings.endpoints[signal].url.partition("?")[0].removesuffix(f"/v1/{signal}")
    words = {"otlp": url, "local": "the local store", "console": "stdout"}
    chosen = [words[name] for name in settings.exporters[signal]]
    return f"to {' and '.join(chosen)}" if chosen else "nowhere"
