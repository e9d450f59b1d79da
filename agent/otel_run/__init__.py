"""The agent: records what a program does and exports it as OpenTelemetry data."""

from __future__ import annotations

__version__ = "0.1.0"

# What of the environment is for us, as this process began: a program may clear it.
variables: dict[str, str] = {}
