"""Options of Python that keep it from being recorded."""

from __future__ import annotations

from otel_run.command_line import is_python, parse

# -E and -I ignore PYTHONPATH, -S leaves out sitecustomize.
ISOLATING = "EIS"


def isolating_option(command: list[str]) -> str:
    """Return `-I` for `python -BI app.py`; "" where nothing is in the way."""
    if is_python(command[0]):
        for letter in parse(command).letters:
            if letter in ISOLATING:
                return f"-{letter}"
    return ""
