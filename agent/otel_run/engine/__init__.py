"""The engine: what an instrumentor is made of."""

from __future__ import annotations

from otel_run.engine.call import Call
from otel_run.engine.instrumentor import Instrumentor
from otel_run.engine.targets import (
    Application,
    Detail,
    Factory,
    Function,
    Lifelong,
    Loaded,
    Note,
    Silent,
)

__all__ = [
    "Application",
    "Call",
    "Detail",
    "Factory",
    "Function",
    "Instrumentor",
    "Lifelong",
    "Loaded",
    "Note",
    "Silent",
]
