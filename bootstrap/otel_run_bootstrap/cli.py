"""The command `otel-run`."""

from __future__ import annotations

import os
import sys

from otel_run_bootstrap import executable, flags, own_folder
from otel_run_bootstrap.environment import prepare
from otel_run_bootstrap.isolation import hindrance

# Each has a `main` that takes the arguments after its name and returns an exit status.
SUBCOMMANDS = {
    "doctor": "otel_run_bootstrap.doctor.command",
    "libraries": "otel_run_bootstrap.libraries",
    "payload": "otel_run_bootstrap.payload",
    "show": "otel_run_viewer.show",
}

# How much of a word has to be right for it to be taken for a misspelling, from 0 to 1.
CLOSE = 0.75


def main() -> int:
    try:
        variables, given, command = flags.read(sys.argv[1:])
        if "--help" in given or "--version" in given:
            return inform(given)
        if not command:
            return complain("no command, see otel-run --help")
        own_folder.step_back(os.environ)
        if command[0] in SUBCOMMANDS and "--" not in given:
            return run_subcommand(command[0], command[1:], variables)
        return run(command, variables)
    except flags.UsageError as error:
        return complain(str(error))
    except executable.CannotRunError as error:
        return complain(f"{error}{hint(command[0])}", error.status)


def run(command: list[str], variables: dict[str, str]) -> int:
    """Become the command; only on Windows does this return, with its status."""
    environ = {**os.environ, **variables}
    path = executable.locate(command[0], environ)
    reason = hindrance(command, path)
    if reason:
        complain(reason)
    prepare(environ, command)
    return executable.become(path, command, environ)


def run_subcommand(name: str, arguments: list[str], variables: dict[str, str]) -> int:
    os.environ.update(variables)
    module = SUBCOMMANDS[name]
    __import__(module)
    status: int = sys.modules[module].main(arguments)
    return status


def hint(word: str) -> str:
    """Say which one of ours may have been meant by a command that cannot be run."""
    if os.path.dirname(word) or word.endswith(".py"):
        return ""
    from difflib import get_close_matches

    meant = {name: name for name in SUBCOMMANDS} | {"help": "--help", "version": "--version"}
    close = get_close_matches(word, meant, 1, CLOSE)
    return f", did you mean: otel-run {meant[close[0]]}" if close else ""


def inform(given: list[str]) -> int:
    if "--help" in given:
        from otel_run_bootstrap.help import help_text

        sys.stdout.write(help_text())
    else:
        from otel_run import __version__

        sys.stdout.write(f"otel-run {__version__}\n")
    return 0


def complain(line: str, status: int = 2) -> int:
    from otel_run.notice import say

    say(line)
    return status
