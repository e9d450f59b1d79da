"""The entry of PYTHONPATH that names the run, and the programs that it reaches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run import run_entry

if TYPE_CHECKING:
    from programs import Programs

FOLDERS = st.lists(
    st.sampled_from(["/", ":", "%", "%3A", "%25", "#", "#otel-run=", "é", "\udcff", "C:\\", "7"])
).map("".join)
ENTRIES = st.lists(st.sampled_from(["", "lib", "/c#", "/x=1"])).map(":".join)

ASKED = {"OTEL_EXPORTER_OTLP_ENDPOINT": None, "OTEL_RUN_SUMMARY": "true"}
RECORD = "import sqlite3; sqlite3.connect(':memory:').execute('SELECT 1')"
SUMMARY = "otel-run: 1 trace, 1 span, 0 errors\n"


@given(FOLDERS, st.sampled_from(["", "7"]), ENTRIES, ENTRIES)
def test_what_is_written_is_found_and_read(folder: str, pid: str, before: str, after: str) -> None:
    path = f"{before}:{run_entry.write(folder)}{pid}:{after}"

    assert run_entry.read(run_entry.find(path)) == (folder, pid)


@given(ENTRIES)
def test_without_a_run_there_is_nothing_to_find(path: str) -> None:
    assert run_entry.read(run_entry.find(path)) == ("", "")


@pytest.mark.parametrize("store", ["a:b", "100%", "a%3Ab", "#otel-run=5", "é \udcff:%"])
def test_a_store_may_be_called_anything(programs: Programs, store: str) -> None:
    folder = programs.folder / store
    result = programs.run(RECORD, env={**ASKED, "OTEL_RUN_STORE": str(folder)})

    assert result.stderr.startswith(SUMMARY)
    assert len(list((folder / "runs").iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    ["os.environ['PYTHONPATH'] = 'lib'", "del os.environ['PYTHONPATH']", "os.environ.clear()"],
)
def test_a_program_that_changes_its_variables_stays_in_its_run(
    programs: Programs, change: str
) -> None:
    programs.run(f"import os; {change}\n{RECORD}", env=ASKED)

    assert len(list((programs.folder / "store" / "runs").iterdir())) == 1


PARENT = """
import os, subprocess, sys
own = os.environ["PYTHONPATH"]
subprocess.run([sys.executable, "-c", sys.argv[1]], env={"PYTHONPATH": eval(sys.argv[2])})
"""


@pytest.mark.parametrize("path", ["own", "f'lib:{own}'", "f'{own}:lib'", "f'{own}:{own}'"])
def test_a_child_that_has_the_path_alone_belongs_to_the_run(programs: Programs, path: str) -> None:
    result = programs.run(["-c", PARENT, f"{RECORD}; import sys; print(sys.path)", path], env=ASKED)

    assert result.stderr.startswith(SUMMARY)
    assert run_entry.MARK not in result.stdout
    (run,) = (programs.folder / "store" / "runs").iterdir()
    assert len(list(run.iterdir())) == 1


def test_a_python_that_becomes_another_speaks_for_the_run_still(programs: Programs) -> None:
    becomes = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    result = programs.run(["-c", becomes, RECORD], env=ASKED)

    assert result.stderr.startswith(SUMMARY)


def test_the_entry_names_no_folder(programs: Programs) -> None:
    """Nothing can be imported from it where it stays on the path: -S runs no sitecustomize."""
    program = "import sys; print(*[entry for entry in sys.path if '#' in entry], sep='')"
    entry = programs.run(["-S", "-c", program]).stdout.strip()

    assert entry.endswith(run_entry.MARK)
    assert not Path(entry).exists()
