"""The agent: records what a program does and exports it as OpenTelemetry data."""

from __future__ import annotations

__version__ = "0.1.0"
