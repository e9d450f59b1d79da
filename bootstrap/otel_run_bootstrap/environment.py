"""The variables that make the command's Pythons record what they do."""

from __future__ import annotations

import os

from otel_run import run_entry
from otel_run.run_name import new_run_name
from otel_run.service_name import infer
from otel_run_bootstrap import runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

AUTOLOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "autoload")


def prepare(environ: dict[str, str], command: list[str]) -> None:
    """Set the variables for a command that this process is about to become."""
    runs.prune(runs.runs_folder(environ))
    announce(environ, command)


def announce(environ: dict[str, str], command: list[str]) -> None:
    """Set the variables, and touch nothing else."""
    folder = os.path.join(runs.runs_folder(environ), new_run_name(service(environ, command)))
    uncoerce_locale(environ)
    environ["PYTHONPATH"] = python_path(environ.get("PYTHONPATH", ""), folder)


def python_path(old: str, folder: str) -> str:
    """Put our folder and the run's entry first, to which the run's first Python adds its pid."""
    return os.pathsep.join([AUTOLOAD, run_entry.write(folder), *foreign(old)])


def foreign(python_path: str) -> list[str]:
    """Return the entries that are not ours; an empty one means the working folder."""
    entries = python_path.split(os.pathsep) if python_path else []
    return [entry for entry in entries if entry != AUTOLOAD and run_entry.MARK not in entry]


def service(environ: Mapping[str, str], command: list[str]) -> str:
    """Name the run: as its service is, if somebody named that, else after the command."""
    if environ.get("OTEL_SERVICE_NAME"):
        return environ["OTEL_SERVICE_NAME"]
    for attribute in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, _, value = attribute.partition("=")
        if key.strip() == "service.name" and value.strip():
            return value.strip()
    return infer(command) or os.path.basename(command[0])


def uncoerce_locale(environ: dict[str, str]) -> None:
    """Take back LC_CTYPE where Python set it for itself (PEP 538).

    A Python that finds it set does not switch to its UTF-8 mode, as it would have without us.
    """
    if environ.get("LANG", "") not in ("", "C", "POSIX") or environ.get("LC_ALL"):
        return
    try:
        with open("/proc/self/environ", "rb") as file:
            given = file.read()
    except OSError:
        return
    if not any(variable.startswith(b"LC_CTYPE=") for variable in given.split(b"\0")):
        environ.pop("LC_CTYPE", None)
