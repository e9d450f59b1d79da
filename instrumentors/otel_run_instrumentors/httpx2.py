"""httpx2: as httpx, which it goes on from under another name."""

from __future__ import annotations

from otel_run_instrumentors import httpx

INSTRUMENTOR = httpx.instrumentor("httpx2", ">=2.0", "httpcore2")
