"""The Python that a command would run, as the launcher and the system find it."""

from __future__ import annotations

import os
import sys

from otel_run.command_line import is_python, parse
from otel_run_bootstrap import executable
from otel_run_bootstrap.first_line import interpreter
from otel_run_bootstrap.isolation import isolating_option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Target:
    """`python` is a path, `command` what is to run, `folder` the first entry of its `sys.path`.

    `isolating` is the option that keeps the agent out, "" without one; `options` go to any Python
    that stands for this one.
    """

    def __init__(self, python: str, command: list[str], line: list[str]) -> None:
        self.python = python
        self.command = command
        self.isolating = isolating_option(["python", *line[1:]]) if line else ""
        parsed = parse(["python", *line[1:]])
        self.options = [f"-{letter}" for letter in parsed.letters if letter in "sPO"]
        script = os.path.dirname(os.path.realpath(parsed.script)) if parsed.script else ""
        self.folder = script or os.getcwd()


def find(command: list[str], environ: Mapping[str, str]) -> Target:
    """Find it for a command, or for none: the first on the path. Raises CannotRunError."""
    if not command:
        return Target(first_python(environ), [], [])
    path = executable.locate(command[0], environ)
    if is_python(command[0]):
        return Target(path, command, command)
    words = interpreter(path)
    if words and is_python(words[0]):
        python = executable.locate(words[0], environ)
        return Target(python, command, [*words, path, *command[1:]])
    beside = os.path.join(os.path.dirname(path), "python")
    if os.access(beside, os.X_OK):
        return Target(beside, command, [])
    raise executable.CannotRunError(
        f"doctor cannot tell which Python {command[0]} runs; name it: "
        "otel-run doctor -- path/to/python",
        2,
    )


def first_python(environ: Mapping[str, str]) -> str:
    for name in ("python", "python3"):
        try:
            return executable.locate(name, environ)
        except executable.CannotRunError:  # noqa: PERF203 (there are two of them)
            continue
    return sys.executable
