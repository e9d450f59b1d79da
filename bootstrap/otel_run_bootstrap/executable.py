"""Finds the command's executable and becomes it."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class CannotRunError(Exception):
    """Why a command cannot run, and the status a shell would exit with: 126 or 127."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def locate(command: str, environ: Mapping[str, str]) -> str:
    """Return the path of an executable as a shell finds it. Raises CannotRunError."""
    candidates = paths(command, environ)
    for path in candidates:
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    hint = f", did you mean: otel-run python {command}" if command.endswith(".py") else ""
    is_there = os.path.exists if os.path.dirname(command) else os.path.isfile
    if any(map(is_there, candidates)):
        raise CannotRunError(f"{command}: not executable{hint}", 126)
    raise CannotRunError(f"{command or repr(command)}: command not found{hint}", 127)


def paths(command: str, environ: Mapping[str, str]) -> list[str]:
    if os.path.dirname(command):
        return with_extensions(command)
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    return [path for folder in folders for path in with_extensions(os.path.join(folder, command))]


def with_extensions(path: str) -> list[str]:
    return [path, path + ".exe", path + ".bat", path + ".cmd"] if os.name == "nt" else [path]


def become(path: str, argv: list[str], environ: dict[str, str]) -> int:
    """Replace this process. Returns only on Windows, the status, and raises CannotRunError."""
    if os.name == "nt":
        return spawn(path, argv, environ)
    restore_signals()
    try:
        os.execve(path, argv, environ)  # noqa: S606 (no shell in between is the point)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            # What is not there is not the file, which was found, but what runs it.
            gone = "its interpreter is missing" if error.errno == errno.ENOENT else error.strerror
            raise CannotRunError(f"{path}: {gone}", 126) from error
    # A script that names no interpreter is the shell's, as for execvp(3).
    return os.execve("/bin/sh", ["sh", path, *argv[1:]], environ)  # noqa: S606


def restore_signals() -> None:
    """Undo what Python ignores at its start; a program started by a shell would not ignore it."""
    import _signal  # type: ignore[import-not-found]

    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(_signal, name):
            _signal.signal(getattr(_signal, name), _signal.SIG_DFL)


def spawn(path: str, argv: list[str], environ: dict[str, str]) -> int:
    """Run a child to its end: Windows cannot replace a process. Ctrl-C reaches it by itself."""
    import subprocess

    process = subprocess.Popen([path, *argv[1:]], env=environ)  # noqa: S603 (as the user says)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # noqa: PERF203 (it is rare)
            continue
