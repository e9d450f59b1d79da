"""uv and pipx install otel-run alone, run it, and run under it: programs alone are recorded."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from bare_python import interpreter, interpreters, is_supported
from building import VirtualEnvironment, build, call

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from collector import Collector
    from environments.conftest import Launch

# The environments are made for one Python's tests; they hold other Pythons themselves.
pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="made once")

SUPPORTED = {name: path for name, path in interpreters().items() if is_supported(name)}
LAMP = """
import sqlite3, sys
from importlib.util import find_spec

def shine():
    connection = sqlite3.connect(":memory:")
    print(connection.execute("SELECT 6 * 7").fetchone())
    connection.close()
    print([find_spec(name) is not None for name in ("otel_run_viewer", "wrapt")])
    print(sys.version, sys.prefix)

if __name__ == "__main__":
    shine()
"""
LAMP_PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "lamp"
version = "1"
scripts.lamp = "lamp:shine"

[tool.hatch.build.targets.wheel]
only-include = ["lamp.py"]
"""


# What a developer's shell may tell them.
FOREIGN = ("PIP_", "PIPX_", "UV_", "VIRTUAL_ENV", "XDG_")


class Installers:
    """uv and pipx, with a home of their own, and all packages that they can have in a folder."""

    def __init__(self, home: Path, *wheels: Path) -> None:
        self.home = home
        tools = VirtualEnvironment(home / "tools", interpreter(), "uv", "pipx")
        self.bin = tools.bin
        self.env: dict[str, str | None] = {
            **{name: None for name in os.environ if name.startswith(FOREIGN)},
            "HOME": str(home),
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PIPX_BIN_DIR": str(home / "pipx-bin"),
            "PIPX_DEFAULT_BACKEND": "pip",
            "PIPX_HOME": str(home / "pipx"),
            "PIP_FIND_LINKS": str(home / "wheels"),
            "PIP_NO_INDEX": "1",
            "UV_CACHE_DIR": str(home / "uv-cache"),
            "UV_FIND_LINKS": str(home / "wheels"),
            "UV_NO_CONFIG": "1",
            "UV_OFFLINE": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_TOOL_BIN_DIR": str(home / "uv-bin"),
            "UV_TOOL_DIR": str(home / "uv-tools"),
        }
        # pipx takes the newest pip for itself.
        tools.pip("download", "--quiet", "--no-deps", "--dest", home / "wheels", "pip", "wrapt")
        for wheel in wheels:
            (home / "wheels" / wheel.name).symlink_to(wheel)

    def install(self, tool: str, wheel: Path) -> Path:
        """Have one of them install a wheel alone, and return the folder of its commands."""
        words = ["tool", "install"] if tool == "uv" else ["install"]
        call(self.bin / tool, *words, "--python", interpreter(), wheel, env=self.env)
        return self.home / f"{tool}-bin"


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a program with a console script."""
    project = tmp_path_factory.mktemp("lamp")
    (project / "pyproject.toml").write_text(LAMP_PROJECT)
    (project / "lamp.py").write_text(LAMP)
    return build(project, "wheel", tmp_path_factory.mktemp("lamp-wheel"))


@pytest.fixture(scope="module")
def installers(wheel: Path, lamp: Path, tmp_path_factory: pytest.TempPathFactory) -> Installers:
    return Installers(tmp_path_factory.mktemp("installers"), wheel, lamp)


@pytest.fixture(scope="module", params=["uv", "pipx"])
def installed(request: pytest.FixtureRequest, installers: Installers, wheel: Path) -> Path:
    """The command, as one of them has installed it."""
    return installers.install(request.param, wheel) / "otel-run"


@pytest.fixture(scope="module", params=SUPPORTED)
def program(
    request: pytest.FixtureRequest, lamp: Path, tmp_path_factory: pytest.TempPathFactory
) -> VirtualEnvironment:
    """The environment of a program, of each Python."""
    return VirtualEnvironment(tmp_path_factory.mktemp("program"), SUPPORTED[request.param], lamp)


def outcome(result: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return result.returncode, result.stdout, result.stderr


WAYS: dict[str, Callable[[VirtualEnvironment], list[str | Path]]] = {
    "module": lambda environment: [environment.python, "-m", "lamp"],
    "console script": lambda environment: [environment.bin / "lamp"],
}


@pytest.mark.parametrize("way", WAYS)
def test_installed_alone_it_records_programs_of_other_environments(
    installed: Path, program: VirtualEnvironment, launch: Launch, collector: Collector, way: str
) -> None:
    command = WAYS[way](program)
    bare = launch(*command)
    recorded = launch(installed, *command)

    assert outcome(recorded) == outcome(bare)
    assert recorded.stdout.startswith("(42,)\n[False, False]\n")
    assert recorded.stdout.endswith(f" {program.folder}\n")
    (span,) = collector.spans()
    assert span.name == "SELECT"
    assert span.resource["process.runtime.description"] in recorded.stdout


# Both put otel-run into an environment of its own for this one run.
RUN_BY = {
    "uv": ("uv", "tool", "run", "--from"),
    "uvx": ("uvx", "--from"),
    "pipx": ("pipx", "run", "--spec"),
}


@pytest.mark.parametrize("program", [min(SUPPORTED)], indirect=True)
@pytest.mark.parametrize("way", RUN_BY)
def test_run_from_a_wheel_it_records_the_python_of_the_path(
    installers: Installers,
    wheel: Path,
    program: VirtualEnvironment,
    launch: Launch,
    collector: Collector,
    way: str,
) -> None:
    env = {**installers.env, "PATH": f"{program.bin}:{installers.env['PATH']}"}
    bare = launch(program.python, "-m", "lamp", env=env)
    recorded = launch(*RUN_BY[way], wheel, "otel-run", "python", "-m", "lamp", env=env)

    assert (recorded.returncode, recorded.stdout) == (bare.returncode, bare.stdout)
    assert [span.name for span in collector.spans()] == ["SELECT"]


@pytest.mark.parametrize("program", [min(SUPPORTED)], indirect=True)
def test_run_by_uvx_with_a_library_it_records_the_python_that_has_it(
    installers: Installers,
    wheel: Path,
    lamp: Path,
    program: VirtualEnvironment,
    launch: Launch,
    collector: Collector,
) -> None:
    env = {**installers.env, "PATH": f"{program.bin}:{installers.env['PATH']}"}
    command = ("uvx", "--with", lamp, "--from", wheel, "otel-run", "python", "-m", "lamp")
    recorded = launch(*command, env=env)

    assert recorded.returncode == 0
    assert recorded.stdout.startswith("(42,)\n")
    assert str(program.folder) not in recorded.stdout
    assert [span.name for span in collector.spans()] == ["SELECT"]


# The program of a project, by uv's environment for it, and scripts, one with an environment of
# its own.
PROJECT = """
[project]
name = "room"
version = "1"
requires-python = ">=3.10"
dependencies = ["lamp"]
"""
SCRIPT = "from lamp import shine\nshine()\n"
ALONE = f"# /// script\n# dependencies = ['lamp']\n# ///\n{SCRIPT}"


@pytest.mark.parametrize(
    "command", ["python -m lamp", "lamp", "script.py", "alone.py", "--with lamp python script.py"]
)
def test_what_uv_runs_is_recorded(
    otel_run: Path,
    installers: Installers,
    launch: Launch,
    collector: Collector,
    tmp_path: Path,
    command: str,
) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "alone.py").write_text(ALONE)
    words = ("uv", "run", "--quiet", "--python", interpreter(), *command.split())
    bare = launch(*words, env=installers.env)
    recorded = launch(otel_run, *words, env=installers.env)

    assert outcome(recorded) == outcome(bare)
    assert recorded.stdout.startswith("(42,)\n[False, False]\n")
    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_what_pipx_installs_is_recorded_the_way_that_is_told(
    otel_run: Path, installers: Installers, lamp: Path, launch: Launch, collector: Collector
) -> None:
    command = installers.install("pipx", lamp) / "lamp"
    bare = launch(command)
    isolated = launch(otel_run, command)
    way = isolated.stderr.rpartition(": otel-run ")[2].split()
    recorded = launch(otel_run, *way)

    assert isolated.stderr.startswith(f"otel-run: {command} cannot be recorded: python -E in its")
    assert bare.stdout.startswith("(42,)\n[False, False]\n")
    assert isolated.stdout == recorded.stdout == bare.stdout
    assert (recorded.returncode, recorded.stderr) == (0, "")
    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_what_pipx_runs_is_not_recorded_and_this_is_said(
    otel_run: Path, installers: Installers, lamp: Path, launch: Launch, collector: Collector
) -> None:
    words = ("pipx", "run", "--python", interpreter(), "--spec", lamp, "lamp")
    bare = launch(*words, env=installers.env)
    recorded = launch(otel_run, *words, env=installers.env)

    assert (recorded.returncode, recorded.stdout) == (bare.returncode, bare.stdout)
    assert "pipx run cannot be recorded: it ignores what is set around it" in recorded.stderr
    assert collector.spans() == []


@pytest.mark.parametrize(
    "command",
    [
        "uv --version",
        "uv pip list",
        "uv pip install --quiet --target target lamp",
        "uv venv --quiet --clear environment",
        "uv tool list",
        "pipx --version",
        "pipx list --short",
    ],
)
def test_the_tools_themselves_are_left_alone(
    otel_run: Path, installers: Installers, launch: Launch, collector: Collector, command: str
) -> None:
    """None of their Pythons misses what the program is required to import."""
    env = {**installers.env, "OTEL_RUN_REQUIRE": "flask", "VIRTUAL_ENV": str(installers.bin.parent)}
    bare = launch(*command.split(), env=env)
    recorded = launch(otel_run, *command.split(), env=env)

    assert outcome(recorded) == outcome(bare)
    assert recorded.returncode == 0
    assert (collector.spans(), collector.metrics()) == ([], [])
