"""Pythons in whose environment nothing is installed, as most that a program brings along."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BOOTSTRAP = Path(__file__).parent.parent / "bootstrap" / "otel_run_bootstrap"
AUTOLOAD = BOOTSTRAP / "autoload"
# What a developer's shell may hold and a program under test must not see.
UNWANTED = ("OTEL_", "PYTHON", "PYTEST_", "COV_", "LC_", "LANG")


def interpreter() -> Path:
    """The Python of which the tests' virtual environment was made."""
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def interpreters() -> dict[str, Path]:
    """All Pythons that tests can use, by version: the tests' own, and those that pyenv has."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = {
        python.parent.parent.name: python for python in root.glob("versions/[23].*/bin/python")
    }
    return dict(sorted({**found, platform.python_version(): interpreter()}.items()))


def is_supported(version: str) -> bool:
    major, minor = version.split(".")[:2]
    return (int(major), int(minor)) >= (3, 10)


class BarePython:
    """A virtual environment without a package; made by hand, for it is made for each test."""

    def __init__(self, folder: Path, interpreter: Path) -> None:
        self.folder = folder
        self.executable = folder / "environment" / "bin" / "python"
        self.executable.parent.mkdir(parents=True)
        self.executable.symlink_to(interpreter)
        configuration = f"home = {interpreter.parent}\ninclude-system-site-packages = false\n"
        (folder / "environment" / "pyvenv.cfg").write_text(configuration)

    def environment(
        self, path: tuple[object, ...] = (), env: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Variables as a shell would have them, with these folders as PYTHONPATH."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(UNWANTED)}
        kept["OTEL_RUN_STORE"] = str(self.folder / "store")
        if path:
            kept["PYTHONPATH"] = os.pathsep.join(map(str, path))
        return {**kept, **(env or {})}

    def run(
        self,
        *arguments: object,
        path: tuple[object, ...] = (),
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run this Python to its end."""
        return self.launch(self.executable, *arguments, path=path, env=env)

    def launch(
        self, *command: object, path: tuple[object, ...] = (), env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run any command to its end, in the test's folder."""
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.environment(path, env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def otel_run(
        self, *command: object, path: tuple[object, ...] = (), env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `otel-run` with these arguments; it is installed in the tests' environment alone."""
        return self.launch(sys.executable, "-m", "otel_run_bootstrap", *command, path=path, env=env)

    def folder_with(self, name: str, **files: str) -> Path:
        """Make a folder of Python modules, for the path."""
        folder = self.folder / name
        folder.mkdir()
        for module, source in files.items():
            (folder / f"{module}.py").write_text(source)
        return folder
