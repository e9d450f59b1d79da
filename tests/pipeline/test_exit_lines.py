"""The lines at the end of a run: who prints them, and where somebody looks."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from programs import without_introduction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector import Collector
    from programs import Programs

RECORD = """
import os, sqlite3, subprocess, sys
def record(n):
    cursor = sqlite3.connect(":memory:").cursor()
    for _ in range(n):
        cursor.execute("SELECT 1")
"""
LOCAL = {"OTEL_EXPORTER_OTLP_ENDPOINT": None, "OTEL_RUN_VERBOSITY": None}
ASKED = {**LOCAL, "OTEL_RUN_SUMMARY": "true"}


def shapes(stderr: str) -> list[str]:
    """The lines without what differs from run to run."""
    lines = [line.removeprefix("otel-run: ") for line in stderr.splitlines()]
    return [re.sub(r"^ +[\d.]+ (ns|[µu]s|ms|s)  ", "<time> ", line) for line in lines]


def test_whoever_asks_is_told_what_a_run_has_recorded(programs: Programs) -> None:
    result = programs.run(f"{RECORD}\nrecord(5)\nprint('done')\nsys.exit(3)", env=ASKED)

    assert (result.returncode, result.stdout) == (3, "done\n")
    assert shapes(result.stderr) == [
        "5 traces, 5 spans, 0 errors",
        *["<time> SELECT"] * 3,
        "see more: otel-run show",
    ]


def test_a_program_that_clears_its_environment_is_recorded_where_it_was_to_be(
    programs: Programs, collector: Collector
) -> None:
    program = f"import os\nos.environ.clear()\n{RECORD}\nrecord(1)"
    result = programs.run(program, env=ASKED)

    assert shapes(result.stderr)[0] == "1 trace, 1 span, 0 errors"

    assert programs.run(program).stderr == ""
    assert [span.name for span in collector.spans()] == ["SELECT"]


def on_terminal(
    programs: Programs, program: str, flags: Sequence[str] = (), **env: str | None
) -> str:
    """Run a program whose stderr is a terminal; return what came there."""
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "otel_run_bootstrap", *flags, sys.executable, "-c", program]
    process = subprocess.Popen(
        command,
        cwd=programs.folder,
        env=programs.environment({**LOCAL, **env}),
        stdout=subprocess.DEVNULL,
        stderr=other_end,
    )
    os.close(other_end)
    said = b""
    try:
        while piece := os.read(terminal, 65536):
            said += piece
    except OSError:
        pass  # how Linux says that nobody holds the other end any more
    os.close(terminal)
    assert process.wait(30) == 0
    return said.decode()


def test_on_a_terminal_nobody_has_to_ask(programs: Programs) -> None:
    said = without_introduction(on_terminal(programs, f"{RECORD}\nrecord(1)"))

    assert shapes(said) == ["1 trace, 1 span, 0 errors", "<time> SELECT", "see more: otel-run show"]


@pytest.mark.parametrize(
    ("flags", "env"),
    [
        (["-q"], {}),
        (["-q"], {"OTEL_RUN_SUMMARY": "true"}),
        ([], {"OTEL_RUN_SUMMARY": "false"}),
        ([], {"OTEL_TRACES_EXPORTER": "none"}),
        ([], {"OTEL_SDK_DISABLED": "true"}),
    ],
)
def test_on_a_terminal_one_can_ask_for_silence(
    programs: Programs, flags: list[str], env: dict[str, str]
) -> None:
    said = on_terminal(programs, f"{RECORD}\nrecord(1)", flags, **env)

    assert without_introduction(said) == ""


@pytest.mark.parametrize("program", [f"{RECORD}\nrecord(1)", "pass", "import sqlite3"])
def test_elsewhere_nothing_is_said_unasked(programs: Programs, program: str) -> None:
    assert programs.run(program, env=LOCAL).stderr == ""


@pytest.mark.parametrize("program", ["pass", "import sqlite3", "import os\nos.fork()"])
def test_a_run_that_recorded_nothing_has_nothing_to_tell(programs: Programs, program: str) -> None:
    assert programs.run(program, env=ASKED).stderr == ""


def test_what_is_sent_to_a_collector_is_not_told_here(programs: Programs) -> None:
    assert programs.run(f"{RECORD}\nrecord(1)", env={"OTEL_RUN_SUMMARY": "true"}).stderr == ""


FORK = """
for _ in range(2):
    if os.fork() == 0:
        record(2)
        sys.exit()
    os.wait()
"""
SPAWN = """
if "child" in sys.argv:
    record(2)
else:
    for _ in range(2):
        subprocess.run([sys.executable, __file__, "child"], check=True)
"""


@pytest.mark.parametrize("children", [FORK, SPAWN], ids=["fork", "spawn"])
def test_of_all_processes_the_first_one_tells_and_once(programs: Programs, children: str) -> None:
    result = programs.run(f"{RECORD}\nrecord(1)\n{children}", env=ASKED)

    # Each spawned child runs the whole program, and so records one more.
    spans = 5 if children == FORK else 7
    assert shapes(result.stderr) == [
        f"{spans} traces, {spans} spans, 0 errors, from 3 processes",
        *["<time> SELECT"] * 3,
        "see more: otel-run show",
    ]


@pytest.mark.parametrize("children", [FORK, SPAWN], ids=["fork", "spawn"])
def test_a_master_that_records_nothing_itself_tells_of_its_workers(
    programs: Programs, children: str
) -> None:
    result = programs.run(f"{RECORD}\n{children}", env=ASKED)

    assert shapes(result.stderr)[0] == "4 traces, 4 spans, 0 errors, from 2 processes"


def test_a_master_that_does_not_even_know_the_library_tells_of_its_workers(
    programs: Programs,
) -> None:
    child = f"{RECORD}\nrecord(2)"
    master = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    result = programs.run(master, env=ASKED)

    assert shapes(result.stderr)[0] == "2 traces, 2 spans, 0 errors"


def test_spans_that_found_no_room_are_told(programs: Programs) -> None:
    result = programs.run(
        f"""{RECORD}
from otel_run.export.store import LocalStore
import threading
hanging, released = threading.Event(), threading.Event()
offer = LocalStore.offer
def wait(*arguments):
    hanging.set()
    released.wait()
    return offer(*arguments)
LocalStore.offer = wait
record(1)
hanging.wait()
record(30)
released.set()
""",
        env={**ASKED, "OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": "10"},
    )

    lines = shapes(result.stderr)
    assert "the queue was full; 20 spans dropped so far" in lines
    assert "11 traces, 11 spans, 0 errors, 20 dropped" in lines


def in_a_shell(programs: Programs, script: str, program: str) -> list[str]:
    """What is said where the command is a shell that starts `program.py`."""
    (programs.folder / "program.py").write_text(program)
    environment = programs.environment(ASKED)
    command = [sys.executable, "-m", "otel_run_bootstrap", "sh", "-c", script]
    result = subprocess.run(
        command, cwd=programs.folder, env=environment, capture_output=True, text=True, check=True
    )
    return shapes(result.stderr)


PYTHON = f"'{sys.executable}'"


@pytest.mark.parametrize("script", [f"{PYTHON} program.py; true", f"exec {PYTHON} program.py"])
def test_under_a_shell_it_is_the_python_that_tells(programs: Programs, script: str) -> None:
    assert in_a_shell(programs, script, f"{RECORD}\nrecord(1)\n{SPAWN}") == [
        "7 traces, 7 spans, 0 errors, from 3 processes",
        *["<time> SELECT"] * 3,
        "see more: otel-run show",
    ]


def test_each_python_of_a_shell_tells_what_the_run_has_so_far(programs: Programs) -> None:
    script = f"{PYTHON} program.py; {PYTHON} -c pass; {PYTHON} program.py"
    lines = in_a_shell(programs, script, f"{RECORD}record(1)")

    assert [line for line in lines if "trace" in line] == [
        "1 trace, 1 span, 0 errors",
        "2 traces, 2 spans, 0 errors, from 2 processes",
    ]
