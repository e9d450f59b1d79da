"""The Python that a command would run, as the launcher and the system find it."""

from __future__ import annotations

import os
import shlex
import sys

from otel_run.command_line import is_python, parse
from otel_run_bootstrap import executable
from otel_run_bootstrap.isolation import isolating_option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The kernel reads no more of a script's first line; what pip writes where the path is longer
# continues on the second.
LONGEST = 4096
SHELL = "'''exec' "


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


def interpreter(path: str) -> list[str]:
    """Return the words of a script's first line: `python -s` for `#!/usr/bin/env python -s`."""
    try:
        with open(path, "rb") as file:
            lines = file.read(LONGEST).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    if not lines or not lines[0].startswith("#!"):
        return []
    words = lines[0][2:].split()
    if len(lines) > 1 and lines[1].startswith(SHELL):
        words = shell_words(lines[1].removeprefix(SHELL))
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if word != "-S" and "=" not in word]
    return words


def shell_words(text: str) -> list[str]:
    """Return the words of `"/a long/path/python" "$0" "$@"` up to the script."""
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    return words[: words.index("$0")] if "$0" in words else words[:1]
