"""Reads what otel-run stored. Never loaded in the traced program's process."""
