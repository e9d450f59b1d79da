"""What runs programs itself - Python's options, pytest, coverage, other agents - runs as ever."""

from __future__ import annotations

import re
import sys
import zipapp
from typing import TYPE_CHECKING

import pytest

from bare_python import interpreter
from building import VirtualEnvironment

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from collector import Collector
    from environments.conftest import Launch

# The environments are made for one Python's tests.
only_once = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="made once")

QUERY = """
import sqlite3, sys
assert sys.flags.optimize == 0 or not print("optimised"), "never seen"
connection = sqlite3.connect(":memory:")
print(connection.execute("SELECT 6 * 7").fetchone())
connection.close()
sys.exit(3)
"""


def outcome(result: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize("option", ["-O", "-OO", "-Xdev", "-Werror", "-B", "-u", "-s", "-bb"])
def test_a_program_with_options_of_python_runs_as_ever(
    otel_run: Path, launch: Launch, python: Path, collector: Collector, tmp_path: Path, option: str
) -> None:
    (tmp_path / "app.py").write_text(QUERY)
    bare = launch(python, option, "app.py")
    recorded = launch(otel_run, python, option, "app.py")

    assert outcome(recorded) == outcome(bare)
    assert recorded.returncode == 3
    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_importtime_lists_ours_among_the_others(
    otel_run: Path, launch: Launch, python: Path, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(QUERY)
    recorded = launch(otel_run, python, "-Ximporttime", "app.py")

    assert (recorded.returncode, recorded.stdout) == (3, "(42,)\n")
    assert {line.partition(":")[0] for line in recorded.stderr.splitlines()} == {"import time"}
    assert len(collector.spans()) == 1


def test_a_zipapp_runs_as_ever(
    otel_run: Path, launch: Launch, python: Path, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text(QUERY)
    zipapp.create_archive(tmp_path / "app", tmp_path / "app.pyz", interpreter=str(python))
    bare = launch(tmp_path / "app.pyz")
    recorded = launch(otel_run, tmp_path / "app.pyz")

    assert outcome(recorded) == outcome(bare) == (3, "(42,)\n", "")
    assert [span.name for span in collector.spans()] == ["SELECT"]


SUITE = """
import sqlite3, warnings
import pytest

@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()

def test_passes(connection, capfd):
    print(connection.execute("SELECT 1").fetchone())
    assert capfd.readouterr().out == "(1,)\\n"

def test_fails(connection):
    answer = connection.execute("SELECT 6 * 7").fetchone()
    assert answer == (41,)

def test_raises(connection):
    connection.execute("SELECT * FROM missing")

@pytest.mark.skip
def test_skipped():
    pass

def test_warns():
    warnings.warn("old", DeprecationWarning)
"""
LIBRARY = """
import sqlite3

def answer(connection, question):
    if question:
        return connection.execute("SELECT 6 * 7").fetchone()
    return None
"""
COVERED = """
import multiprocessing, sqlite3, threading
import library

def work():
    library.answer(sqlite3.connect(":memory:", check_same_thread=False), "what")

if __name__ == "__main__":
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start()
    process.join()
"""
# How coverage gets into the other process: from within, or by a .pth file, before sitecustomize.
CONFIGURATIONS = {
    "itself": "concurrency = multiprocessing, thread\n",
    ".pth file": "concurrency = thread\npatch = subprocess\n",
}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> VirtualEnvironment:
    """An environment with what tests programs."""
    folder = tmp_path_factory.mktemp("tools")
    return VirtualEnvironment(folder, interpreter(), "pytest", "coverage")


def without_times(text: str) -> str:
    """What pytest prints, but how long it took and where objects lie."""
    return re.sub(r" in [\d.]+s|0x[\da-f]+", "", text)


@only_once
@pytest.mark.parametrize("flags", [("-q",), ("-Werror", "--tb=line"), ("-s", "--tb=short")])
def test_pytest_says_the_same(
    otel_run: Path,
    launch: Launch,
    tools: VirtualEnvironment,
    collector: Collector,
    tmp_path: Path,
    flags: tuple[str, ...],
) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = (tools.bin / "pytest", *flags, "-p", "no:cacheprovider")
    bare = launch(*command)
    recorded = launch(otel_run, *command)

    assert recorded.returncode == bare.returncode == 1
    assert without_times(recorded.stdout) == without_times(bare.stdout)
    assert recorded.stderr == bare.stderr == ""
    assert len(collector.spans()) == 3


@only_once
@pytest.mark.parametrize("core", ["ctrace", "pytrace"])
@pytest.mark.parametrize("way", CONFIGURATIONS)
def test_coverage_counts_the_same(
    otel_run: Path,
    launch: Launch,
    tools: VirtualEnvironment,
    collector: Collector,
    tmp_path: Path,
    core: str,
    way: str,
) -> None:
    (tmp_path / "app.py").write_text(COVERED)
    (tmp_path / "library.py").write_text(LIBRARY)
    (tmp_path / ".coveragerc").write_text(
        "[run]\nbranch = true\nparallel = true\n" + CONFIGURATIONS[way]
    )
    env = {"COVERAGE_CORE": core}
    coverage = tools.bin / "coverage"

    def measure(*before: Path) -> list[tuple[int, str, str]]:
        return [
            outcome(launch(*before, coverage, *arguments, env=env))
            for arguments in (("run", "app.py"), ("combine", "-q"), ("report", "-m"), ("erase",))
        ]

    bare = measure()
    recorded = measure(otel_run)

    assert recorded == bare
    assert "library.py" in recorded[2][1]
    # Coverage keeps what it counts in a database of its own, which is recorded as any.
    names = [
        span.name for span in collector.spans() if span.attributes["db.namespace"] == ":memory:"
    ]
    assert names == ["SELECT", "SELECT"]


# Whatever folder each of them stands in, the others are run.
CHAINS = """
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
index = sys.path.index(here)
del sys.path[index]
ours = sys.modules.pop("sitecustomize")
try:
    import sitecustomize
except ImportError:
    sys.modules["sitecustomize"] = ours
finally:
    sys.path.insert(index, here)
print("debugger")
"""


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_debuggers_sitecustomize_runs_beside_a_payload(
    payload: Path, launch: Launch, python: Path, collector: Collector, tmp_path: Path, order: str
) -> None:
    """As PyCharm's, which imports the next one on the path."""
    (tmp_path / "app.py").write_text(QUERY)
    debugger = tmp_path / "debugger"
    debugger.mkdir()
    (debugger / "sitecustomize.py").write_text(CHAINS)
    folders = (debugger, payload) if order == "before" else (payload, debugger)
    bare = launch(python, "app.py", env={"PYTHONPATH": str(debugger)})
    recorded = launch(python, "app.py", env={"PYTHONPATH": ":".join(map(str, folders))})

    assert outcome(recorded) == outcome(bare) == (3, "debugger\n(42,)\n", "")
    assert [span.name for span in collector.spans()] == ["SELECT"]


@pytest.fixture(scope="module")
def datadog(tmp_path_factory: pytest.TempPathFactory) -> VirtualEnvironment:
    """An environment with another agent."""
    return VirtualEnvironment(tmp_path_factory.mktemp("datadog"), interpreter(), "ddtrace>=4")


# It would look for an agent of its own, and report home.
DATADOG = {
    "DD_TRACE_AGENT_URL": "http://127.0.0.1:9",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
}


@only_once
@pytest.mark.parametrize("order", ["before", "after"])
def test_ddtraces_sitecustomize_runs_beside_a_payload(
    payload: Path,
    datadog: VirtualEnvironment,
    launch: Launch,
    collector: Collector,
    tmp_path: Path,
    order: str,
) -> None:
    (tmp_path / "app.py").write_text("import ddtrace; print(ddtrace.tracer.enabled)" + QUERY)
    (theirs,) = datadog.folder.glob("lib/python3*/site-packages/ddtrace/bootstrap")
    folders = (theirs, payload) if order == "before" else (payload, theirs)
    env = {**DATADOG, "PYTHONPATH": ":".join(map(str, folders))}
    bare = launch(datadog.python, "app.py", env={**env, "PYTHONPATH": str(theirs)})
    recorded = launch(datadog.python, "app.py", env=env)

    assert (recorded.returncode, recorded.stdout) == (bare.returncode, bare.stdout)
    assert (recorded.returncode, recorded.stdout) == (3, "True\n(42,)\n")
    assert "otel-run" not in recorded.stderr
    assert [span.name for span in collector.spans()] == ["SELECT"]


@only_once
@pytest.mark.parametrize("order", ["inside", "around"])
def test_ddtrace_runs_beside_it(
    otel_run: Path,
    datadog: VirtualEnvironment,
    launch: Launch,
    collector: Collector,
    tmp_path: Path,
    order: str,
) -> None:
    source = "import ddtrace.auto; print(ddtrace.tracer.enabled)"
    (tmp_path / "app.py").write_text(source + QUERY.replace("sys.exit(3)", ""))
    ddtrace_run = (datadog.python, datadog.bin / "ddtrace-run")
    both = (otel_run, *ddtrace_run) if order == "inside" else (*ddtrace_run, otel_run)
    result = launch(*both, datadog.python, "app.py", env=DATADOG)

    assert (result.returncode, result.stdout) == (0, "True\n(42,)\n")
    assert "otel-run" not in result.stderr
    assert [span.name for span in collector.spans()] == ["SELECT"]
