"""What there is to see in a Python that was started as the program's would be."""

from __future__ import annotations

import json
import sys
from typing import Any

from otel_run_bootstrap import agent_finder


def examine(loaded: frozenset[str], folder: str | None) -> str:
    """Return the document, in JSON and ASCII.

    `loaded` is what had been imported at the start; `folder` comes first on the program's path.
    """
    is_active = bool(getattr(sys.modules.get("otel_run_bootstrap.activation"), "active", False))
    if not is_active:
        agent_finder.install()
    from otel_run import __version__
    from otel_run.settings import current
    from otel_run_bootstrap.doctor import delivery, host, interpreter, library, setting, tracer

    # Only now: what is called like a module of Python's there would be imported instead.
    if folder is not None:
        sys.path.insert(0, folder)
    settings = current()
    sections: dict[str, tuple[Any, list[Any]]] = {
        "python": interpreter.examine(settings, is_active=is_active),
        "libraries": library.examine(settings, is_active=is_active),
        "settings": setting.examine(settings),
        "telemetry": delivery.examine(settings),
        "others": tracer.examine(loaded, sys.argv[1:]),
    }
    document: dict[str, Any] = {name: section for name, (section, _) in sections.items()}
    findings = [finding for _, found in sections.values() for finding in found]
    findings += host.examine(sys.argv[1:])
    return json.dumps({"otel_run": __version__, **document, "findings": findings})
