"""httpcore2: as httpcore, which it goes on from under another name."""

from __future__ import annotations

from otel_run_instrumentors import httpcore

INSTRUMENTOR = httpcore.instrumentor("httpcore2", ">=2.0")
