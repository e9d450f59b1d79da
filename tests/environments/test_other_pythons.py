"""What a program starts: Pythons of all kinds, recorded where that can be, and else left alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bare_python import interpreters, is_supported

if TYPE_CHECKING:
    from pathlib import Path

    from collector import Collector
    from environments.conftest import Launch

# The environments are made for one Python's tests; they hold other Pythons themselves.
pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="made once")

# Python 2.7 reads it, too.
CHILD = """
import sqlite3, sys
sqlite3.connect(":memory:").execute("SELECT 6 * 7")
print("%d.%d" % sys.version_info[:2])
sys.exit(3)
"""
PARENT = """
import os, subprocess, sys

def run(*command, **settings):
    return subprocess.run(command, **settings).returncode

def only(*names):
    return {name: os.environ[name] for name in names if name in os.environ}

def spawn(*command):
    pid = os.posix_spawn(command[0], command, os.environ)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def fork(*command):
    pid = os.fork()
    if pid == 0:
        os.execv(command[0], command)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

import sqlite3
sqlite3.connect(":memory:").execute("SELECT 1 AS parent")
python = sys.argv[1]
code = eval(sys.argv[2])
print(code, flush=True)
os.execv(python, [python, "child.py"]) if sys.argv[3:] else sys.exit(code)
"""


@pytest.fixture
def scripts(tmp_path: Path) -> None:
    """Parent and child, in the folder where the test launches."""
    (tmp_path / "parent.py").write_text(PARENT)
    (tmp_path / "child.py").write_text(CHILD)


def recorded(collector: Collector) -> list[str]:
    """The texts of the statements, one for each process."""
    assert len({one.resource["service.instance.id"] for one in collector.spans()}) == len(
        collector.spans()
    )
    return sorted(str(one.attributes["db.query.text"]) for one in collector.spans())


@pytest.mark.usefixtures("scripts")
@pytest.mark.parametrize("version", interpreters())
def test_a_child_of_another_version_is_recorded_from_3_10_on_and_runs_before(
    otel_run: Path, launch: Launch, python: Path, collector: Collector, version: str
) -> None:
    command = python, "parent.py", interpreters()[version], "run(python, 'child.py')"
    bare = launch(*command)
    result = launch(otel_run, *command)

    assert bare.stdout == f"{'.'.join(version.split('.')[:2])}\n3\n"
    assert (result.returncode, result.stdout, result.stderr) == (3, bare.stdout, bare.stderr)
    child = ["SELECT ? * ?"] * is_supported(version)
    assert recorded(collector) == sorted(["SELECT ? AS parent", *child])


WAYS = {
    "run(python, 'child.py')": True,
    "run('sh', '-c', f'{python} child.py')": True,
    "os.waitstatus_to_exitcode(os.system(f'exec {python} child.py'))": True,
    "run(python, 'child.py', close_fds=False, start_new_session=True)": True,
    "run(python, 'child.py', preexec_fn=os.setpgrp)": True,
    "run(python, 'child.py', env=only('PYTHONPATH', 'OTEL_EXPORTER_OTLP_ENDPOINT'))": True,
    "spawn(python, 'child.py')": True,
    "fork(python, 'child.py')": True,
    "run(python, '-I', 'child.py')": False,
    "run(python, '-E', 'child.py')": False,
    "run(python, '-S', 'child.py')": False,
    "run(python, 'child.py', env={})": False,
}


@pytest.mark.usefixtures("scripts")
@pytest.mark.parametrize("way", WAYS)
def test_a_child_is_recorded_whatever_way_it_is_started(
    otel_run: Path, launch: Launch, python: Path, collector: Collector, way: str
) -> None:
    bare = launch(python, "parent.py", python, way)
    result = launch(otel_run, python, "parent.py", python, way)

    assert bare.stdout == "3.11\n3\n"
    assert (result.returncode, result.stdout, result.stderr) == (3, bare.stdout, bare.stderr)
    child = ["SELECT ? * ?"] * WAYS[way]
    assert recorded(collector) == sorted(["SELECT ? AS parent", *child])


@pytest.mark.usefixtures("scripts")
def test_a_program_that_becomes_another_is_recorded_from_there_on(
    otel_run: Path, launch: Launch, python: Path, collector: Collector
) -> None:
    """What it was before has no end at which it could send."""
    result = launch(otel_run, python, "parent.py", python, "0", "becomes")

    assert (result.returncode, result.stdout, result.stderr) == (3, "0\n3.11\n", "")
    assert recorded(collector) == ["SELECT ? * ?"]
