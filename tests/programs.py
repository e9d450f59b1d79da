"""Programs that tests start: real processes, with and without the agent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from otel_run import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What a developer's shell may hold and a program under test must not see.
UNWANTED = ("OTEL_", "PYTHON", "PYTEST_")

# How the agent's guard begins the line that it writes on each mistake of its own, at verbosity 1.
INTERNAL_ERROR = "otel-run: internal error in "

# How it introduces itself at that verbosity, at the start of a run, or says at its end why not.
INTRODUCTION = f"otel-run: {__version__} records "
EMPTINESS = f"otel-run: {__version__} recorded nothing of "


class Programs:
    """Starts programs in a folder, with its own store and the test's collector as endpoint."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        self.endpoint = endpoint
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self,
        program: str | Path | Sequence[str],
        *arguments: str,
        env: Mapping[str, str | None] | None = None,
        flags: Sequence[str] = (),
        launcher: bool = True,
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[str]:
        """Start a program and return at once; it is ended with the test.

        `program` is Python source, the path of a script, or the arguments of a Python
        (`["-m", "shop"]`). `flags` are those of otel-run; without `launcher` there is no agent.
        A variable that is None in `env` is not set; without OTEL_RUN_VERBOSITY, mistakes of the
        agent go unseen.
        """
        command = [sys.executable, *self.python_arguments(program), *arguments]
        if launcher:
            command = [sys.executable, "-m", "otel_run_bootstrap", *flags, *command]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(env or {}),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(
        self,
        program: str | Path | Sequence[str],
        *arguments: str,
        env: Mapping[str, str | None] | None = None,
        flags: Sequence[str] = (),
        launcher: bool = True,
        timeout: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Start a program and wait for its end; a mistake of the agent's in it is an error.

        What the agent says at the start is left out.
        """
        process = self.start(program, *arguments, env=env, flags=flags, launcher=launcher)
        stdout, stderr = process.communicate(timeout=timeout)
        assert INTERNAL_ERROR not in stderr, stderr
        said = without_introduction(stderr)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, said)

    def python_arguments(self, program: str | Path | Sequence[str]) -> list[str]:
        """What makes Python run the program; source is written to a file first."""
        if isinstance(program, Path):
            return [str(program)]
        if not isinstance(program, str):
            return list(program)
        script = self.folder / "program.py"
        script.write_text(textwrap.dedent(program))
        return [script.name]

    def environment(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        """The test's own environment, less what is unwanted, plus the changes."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(UNWANTED)}
        own = {
            "OTEL_RUN_VERBOSITY": "1",
            "OTEL_RUN_STORE": str(self.folder / "store"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
        }
        changed = {**kept, **own, **changes}
        return {name: value for name, value in changed.items() if value is not None}

    def close(self) -> None:
        """End what still runs, and the children that it left."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def without_introduction(stderr: str) -> str:
    """What a program and the agent have written, less the line at the start or for want of one."""
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith((INTRODUCTION, EMPTINESS)))
