"""What `pip install .` brings into an empty environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bare_python import interpreters, is_supported
from otel_run import __version__

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(*command: str | Path) -> str:
    finished = subprocess.run(
        [str(word) for word in command],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment into which the project was installed."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", root)
    return folder / "bin"


def test_it_brings_otel_run_and_wrapt(installed: Path) -> None:
    listed = run(installed / "python", "-m", "pip", "list", "--format", "json")
    there_before = {"pip", "setuptools"}

    assert {package["name"] for package in json.loads(listed)} - there_before == {
        "otel-run",
        "wrapt",
    }


def test_the_command_tells_its_version(installed: Path) -> None:
    assert run(installed / "otel-run", "--version") == f"otel-run {__version__}\n"


def test_the_command_examines_a_python_of_any_version_that_has_nothing_installed(
    installed: Path, tmp_path: Path
) -> None:
    environment = {**ENVIRONMENT, "OTEL_RUN_STORE": str(tmp_path)}
    for version, python in interpreters().items():
        if not is_supported(version):
            continue
        finished = subprocess.run(
            [installed / "otel-run", "doctor", "--json", "--", python, "-m", "shop"],
            env=environment,
            capture_output=True,
            check=False,
        )
        document = json.loads(finished.stdout)
        library, *_ = (row for row in document["libraries"] if row["library"] == "sqlite3")

        assert document["findings"] == []
        assert (finished.returncode, library["version"], library["state"]) == (
            *(0, version, "patched"),
        )


def test_the_command_runs_a_program(installed: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys; print(sys.argv[1:])")

    assert run(installed / "otel-run", "python", program, "--flag") == "['--flag']\n"
