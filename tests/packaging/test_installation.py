"""What `pip install` of a distribution brings into an empty environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bare_python import interpreter, interpreters, is_supported
from building import VirtualEnvironment, call
from otel_run import __version__

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> VirtualEnvironment:
    """An environment into which a distribution was installed."""
    folder = tmp_path_factory.mktemp("environment")
    return VirtualEnvironment(folder, interpreter(), request.getfixturevalue(request.param))


def test_it_brings_otel_run_and_wrapt(installed: VirtualEnvironment) -> None:
    listed = json.loads(installed.pip("list", "--format", "json"))

    assert {package["name"] for package in listed} == {"otel-run", "wrapt"}


def test_the_command_tells_its_version(installed: VirtualEnvironment) -> None:
    assert call(installed.bin / "otel-run", "--version") == f"otel-run {__version__}\n"


def test_the_command_examines_a_python_of_any_version_that_has_nothing_installed(
    installed: VirtualEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RUN_STORE", str(tmp_path))
    for version, python in interpreters().items():
        if not is_supported(version):
            continue
        # A status that is not 0 fails the call.
        printed = call(installed.bin / "otel-run", "doctor", "--json", "--", python, "-m", "shop")
        document = json.loads(printed)
        library, *_ = (row for row in document["libraries"] if row["library"] == "sqlite3")

        assert document["findings"] == []
        assert (library["version"], library["state"]) == (version, "patched")


def test_the_command_runs_a_program(installed: VirtualEnvironment, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys; print(sys.argv[1:])")

    assert call(installed.bin / "otel-run", "python", program, "--flag") == "['--flag']\n"
