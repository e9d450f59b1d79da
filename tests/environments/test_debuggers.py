"""Debuggers and shells show a program that is recorded as they show any."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bare_python import interpreter
from building import VirtualEnvironment

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from collector import Collector
    from environments.conftest import Launch

# The environment is made for one Python's tests.
only_once = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="made once")

PROGRAM = """
import sqlite3, sys

connection = sqlite3.connect(":memory:")

def ask():
    answer = connection.execute("SELECT 6 * 7").fetchone()
    return answer

print(ask())
connection.close()
sys.exit(3)
"""
PAUSED = PROGRAM.replace("print(ask())", "breakpoint()\nprint(ask())")
FAILS = PROGRAM.replace("print(ask())", "print(ask())\nconnection.execute('SELECT missing')")

# What is typed in each session, a command an option.
SESSIONS = {
    "continue": ("continue",),
    "a breakpoint": ("break 7", "continue", "next", "where", "p answer", "p locals().keys()", "c"),
    "a call": ("break ask", "continue", "return", "retval", "p connection", "continue"),
    "a condition": ("tbreak ask, connection.in_transaction", "continue"),
    "until": ("until 10", "step", "args", "up", "down", "p ask()", "continue"),
}


def outcome(result: subprocess.CompletedProcess[str]) -> tuple[int, list[str], str]:
    """What came of it; objects lie elsewhere each time."""
    lines = [line.partition(" object at 0x")[0] for line in result.stdout.splitlines()]
    return result.returncode, lines, result.stderr


def recorded_in_memory(collector: Collector) -> list[str]:
    """The names of the program's spans; a shell keeps a history in a database of its own."""
    return [
        span.name for span in collector.spans() if span.attributes["db.namespace"] == ":memory:"
    ]


@pytest.mark.parametrize("session", SESSIONS)
def test_pdb_shows_the_same(
    otel_run: Path, launch: Launch, python: Path, collector: Collector, tmp_path: Path, session: str
) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    options = [word for command in SESSIONS[session] for word in ("-c", command)]
    bare = launch(python, "-m", "pdb", *options, "app.py")
    recorded = launch(otel_run, python, "-m", "pdb", *options, "app.py")

    assert outcome(recorded) == outcome(bare)
    assert "(42,)" in recorded.stdout
    assert set(recorded_in_memory(collector)) == {"SELECT"}


def test_pdb_shows_the_programs_line_after_a_failure(
    otel_run: Path, launch: Launch, python: Path, collector: Collector, tmp_path: Path
) -> None:
    """The traceback has frames of ours; the line that failed is the program's, and is named."""
    (tmp_path / "app.py").write_text(FAILS)
    recorded = launch(otel_run, python, "-m", "pdb", "-c", "continue", "-c", "quit", "app.py")

    assert recorded.returncode == 0
    assert "OperationalError: no such column: missing" in recorded.stdout + recorded.stderr
    assert "connection.execute('SELECT missing')" in recorded.stdout + recorded.stderr
    assert recorded_in_memory(collector)[:2] == ["SELECT", "SELECT"]


def test_a_breakpoint_in_the_program_stops_it(
    otel_run: Path, launch: Launch, python: Path, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(PAUSED)
    (tmp_path / ".pdbrc").write_text("where\nnext\np ask()\ncontinue\n")
    bare = launch(python, "app.py")
    recorded = launch(otel_run, python, "app.py")

    assert outcome(recorded) == outcome(bare)
    assert recorded.stdout.count("(42,)") == 2
    assert recorded_in_memory(collector) == ["SELECT", "SELECT"]


def test_an_interactive_python_goes_on_after_the_program(
    otel_run: Path, launch: Launch, python: Path, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    bare = launch(python, "-i", "app.py")
    recorded = launch(otel_run, python, "-i", "app.py")

    assert outcome(recorded) == outcome(bare)
    assert ">>> " in recorded.stderr
    assert recorded_in_memory(collector) == ["SELECT"]


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> VirtualEnvironment:
    """An environment with a debugger and a shell."""
    folder = tmp_path_factory.mktemp("debuggers")
    return VirtualEnvironment(folder, interpreter(), "debugpy", "ipython")


@only_once
@pytest.mark.parametrize("options", [(), ("-Xfrozen_modules=off",)])
def test_a_program_under_debugpy_runs_as_ever(
    otel_run: Path,
    launch: Launch,
    tools: VirtualEnvironment,
    collector: Collector,
    tmp_path: Path,
    options: tuple[str, ...],
) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    env = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    command = (tools.python, *options, "-m", "debugpy", "--listen", "127.0.0.1:0", "app.py")
    bare = launch(*command, env=env)
    recorded = launch(otel_run, *command, env=env)

    assert outcome(recorded) == outcome(bare) == (3, ["(42,)"], "")
    assert recorded_in_memory(collector) == ["SELECT"]


@only_once
@pytest.mark.parametrize("way", ["ipython", "module"])
@pytest.mark.parametrize(
    "code",
    [
        "import sqlite3; print(sqlite3.connect(':memory:').execute('SELECT 1').fetchone())",
        "import sqlite3; c = sqlite3.connect(':memory:'); c.execute('SELECT 1'); c.execute('x')",
        "%run app.py",
    ],
)
def test_ipython_says_the_same(
    otel_run: Path,
    launch: Launch,
    tools: VirtualEnvironment,
    collector: Collector,
    tmp_path: Path,
    way: str,
    code: str,
) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    start = (tools.bin / "ipython",) if way == "ipython" else (tools.python, "-m", "IPython")
    command = (*start, "--colors=NoColor", "--classic", "-c", code)
    env = {"HOME": str(tmp_path)}
    bare = launch(*command, env=env)
    recorded = launch(otel_run, *command, env=env)

    assert recorded.returncode == bare.returncode
    assert recorded.stderr == bare.stderr == ""
    if "'x'" in code:  # the traceback has frames of ours
        assert recorded.stdout.splitlines()[-1] == bare.stdout.splitlines()[-1]
    else:
        assert recorded.stdout == bare.stdout
    assert recorded_in_memory(collector)[0] == "SELECT"
