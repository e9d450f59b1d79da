"""What goes wrong in the bootstrap stays in the agent."""

from __future__ import annotations

import sys


def swallow(error: Exception, where: str) -> None:
    """Hand a mistake of ours to the agent's guard, in silence if even that fails."""
    try:
        from otel_run.guard import caught

        caught(error, where)
    except Exception:  # noqa: S110 (nobody is left to tell)
        pass


def give_up(reason: str) -> None:
    """Say that nothing at all will be recorded, why, and what helps; unless `-q` asks for silence.

    In a run it is the first process that says it, as long as the settings can be read.
    """
    line = f"nothing is recorded{reason}"
    try:
        from otel_run.notice import inform
        from otel_run.settings import current

        settings = current()
    except Exception:
        sys.stderr.write(f"otel-run: {line}\n")
    else:
        if settings.root or not settings.root_pid:
            inform(line)
