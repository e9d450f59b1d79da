"""Distributions of the checkout, and environments that they are installed into."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]


def build(source: Path, target: str, folder: Path) -> Path:
    """Build one distribution, `sdist` or `wheel`, into the folder."""
    call(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, folder=source)
    (built,) = folder.iterdir()
    return built


class VirtualEnvironment:
    """A virtual environment without pip: the one of the tests installs into it."""

    def __init__(self, folder: Path, interpreter: Path, *requirements: str | Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.python = self.bin / "python"
        call(interpreter, "-m", "venv", "--without-pip", folder)
        if requirements:
            self.pip("install", "--quiet", "--no-compile", *requirements)

    def pip(self, *arguments: str | Path) -> str:
        """Run pip for this environment, and return what it prints."""
        quiet = ("--disable-pip-version-check", "--python", self.python)
        return call(sys.executable, "-m", "pip", *quiet, *arguments)


def call(
    *command: str | Path, folder: Path | None = None, env: Mapping[str, str | None] | None = None
) -> str:
    """Run a command that must succeed, and return what it prints.

    A variable that is None in `env` is not set.
    """
    variables = {**os.environ, "PYTHONPATH": None, **(env or {})}
    finished = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={name: value for name, value in variables.items() if value is not None},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
