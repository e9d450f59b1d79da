"""SQL statements described for telemetry: a text without literals, and a summary."""

from __future__ import annotations

from otel_run.engine.sql.dialect import GENERIC, SQLITE, Dialect
from otel_run.engine.sql.statement import Statement, describe

__all__ = ["GENERIC", "SQLITE", "Dialect", "Statement", "describe"]
