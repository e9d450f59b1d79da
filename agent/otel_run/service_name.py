"""The name of a service whose owner gave it none, from the command line that started it."""

from __future__ import annotations

import os

from otel_run.command_line import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.command_line import CommandLine

EXTENSIONS = (".py", ".pyw", ".pyc", ".pyz", ".zip", ".exe")
# An application server says less than the application that it serves.
SERVERS = (
    *("celery", "daphne", "flask", "granian", "gunicorn", "hypercorn", "uvicorn", "uwsgi"),
    "waitress-serve",
)
# So does what watches a program.
WATCHERS = ("coverage", "cProfile", "debugpy", "pdb", "profile", "trace", "viztracer")
APPLICATION_OPTIONS = ("-A", "--app")
ENTRY_MODULES = ("wsgi", "asgi", "__main__")


def infer(argv: list[str]) -> str:
    """Name the application, module or script of a `sys.orig_argv`; "" where there is none."""
    line = parse(argv)
    program = _without_entry_module(line.module) if line.module else _script_name(line.script)
    if program in SERVERS:
        return _application(line) or program
    if program in WATCHERS:
        return _watched(line.arguments) or program
    return program


def _script_name(script: str) -> str:
    if not script:
        return ""
    folder, name = os.path.split(os.path.abspath(script))
    stem, extension = os.path.splitext(name)
    if extension.lower() in EXTENSIONS:
        name = stem
    return os.path.basename(folder) if name == "__main__" else name


def _watched(arguments: list[str]) -> str:
    """Return the name of the module or the script that a debugger or profiler runs."""
    previous = ""
    for argument in arguments:
        if previous == "-m":
            return _without_entry_module(argument)
        if argument.lower().endswith(EXTENSIONS):
            return _script_name(argument)
        previous = argument
    return ""


def _application(line: CommandLine) -> str:
    """Return `shop` for an argument like `shop.wsgi:app` or `--app shop`; host:port is not one."""
    previous = ""
    for argument in line.arguments:
        option, _, value = argument.partition("=")
        named = value if option in APPLICATION_OPTIONS else argument
        module, colon, attribute = named.partition(":")
        is_named = named is value or previous in APPLICATION_OPTIONS
        if _is_dotted_name(module) and (attribute[:1].isidentifier() if colon else is_named):
            return _without_entry_module(module)
        previous = argument
    return ""


def _is_dotted_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _without_entry_module(module: str) -> str:
    parent, _, last = module.rpartition(".")
    return parent if parent and last in ENTRY_MODULES else module
