"""What keeps a program from being recorded: it is started without what is set around it."""

from __future__ import annotations

import os

from otel_run.command_line import is_python, parse
from otel_run_bootstrap.first_line import interpreter

# -E and -I ignore PYTHONPATH, -S leaves out sitecustomize.
ISOLATING = "EIS"


def hindrance(command: list[str], path: str) -> str:
    """Say why a command with this executable cannot be recorded; "" where nothing is in the way."""
    if is_python(command[0]):
        option = isolating_option(command)
        start = option and f"python {option}"
    elif os.path.basename(path) == "pipx" and command[1:2] == ["run"]:
        start = "pipx run"  # it takes PYTHONPATH away
    else:
        return script_hindrance(command[0], path)
    return start and f"{start} cannot be recorded: it ignores what is set around it"


def script_hindrance(name: str, path: str) -> str:
    words = interpreter(path)
    option = isolating_option(words) if words else ""
    if not option:
        return ""
    return (
        f"{name} cannot be recorded: python {option} in its first line ignores what is set around "
        f"it; without that it is: otel-run {words[0]} {path}"
    )


def isolating_option(command: list[str]) -> str:
    """Return `-ES` for `python -BES app.py`; "" where nothing is in the way."""
    given = parse(command).letters if is_python(command[0]) else ""
    letters = "".join(dict.fromkeys(letter for letter in given if letter in ISOLATING))
    return letters and f"-{letters}"
