"""The line at the start of a run: who prints it, when, and what it says."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from otel_run import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from programs import Programs

LIBRARY = "import sqlite3"
SAID = f"otel-run: {__version__} records app: traces and metrics to "


def stderr_of(
    programs: Programs,
    program: str,
    flags: Sequence[str] = (),
    *,
    terminal: bool = False,
    **env: str | None,
) -> str:
    """Run a program as `app`; return what came to stderr, which may be a terminal."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    command = [sys.executable, "-m", "otel_run_bootstrap", *flags, sys.executable, "-c", program]
    variables = {"OTEL_RUN_VERBOSITY": None, "OTEL_SERVICE_NAME": "app"}
    process = subprocess.Popen(
        command,
        cwd=programs.folder,
        env=programs.environment({**variables, "OTEL_RUN_SUMMARY": "false", **env}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while piece := os.read(ours, 1 << 16):
            said += piece
    except OSError:
        pass  # how a terminal ends
    os.close(ours)
    assert process.wait(60) == 0
    return said.decode().replace("\r\n", "\n")


def test_on_a_terminal_a_run_says_where_its_telemetry_goes(programs: Programs) -> None:
    said = stderr_of(programs, LIBRARY, terminal=True, OTEL_EXPORTER_OTLP_ENDPOINT=None)

    assert said == f"{SAID}the local store\n"


def test_each_signal_has_its_own_place(programs: Programs) -> None:
    said = stderr_of(
        programs,
        LIBRARY,
        terminal=True,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://user:secret@127.0.0.1:4319?key=secret",
        OTEL_TRACES_EXPORTER="otlp,local",
        OTEL_METRICS_EXPORTER="none",
    )

    assert said == (
        f"otel-run: {__version__} records app: "
        "traces to http://127.0.0.1:4319 and the local store, metrics nowhere\n"
    )


def test_elsewhere_only_who_asks_is_told(programs: Programs) -> None:
    assert stderr_of(programs, LIBRARY) == ""
    assert stderr_of(programs, LIBRARY, ["-v"]) == f"{SAID}{programs.endpoint}\n"


def test_who_asks_for_silence_is_not_told(programs: Programs) -> None:
    assert stderr_of(programs, LIBRARY, ["-q"], terminal=True) == ""


def test_a_program_that_imports_nothing_to_record_is_silent(programs: Programs) -> None:
    assert stderr_of(programs, "pass", terminal=True) == ""


@pytest.mark.parametrize(
    "child",
    [
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sqlite3'])",
        "import os; os.fork() or __import__('urllib.request'); os._exit(0)",
    ],
)
def test_of_a_run_the_first_process_says_it_alone(programs: Programs, child: str) -> None:
    said = stderr_of(programs, f"import sqlite3\n{child}", ["-v"])

    assert said.count(" records app: ") == 1


def test_a_closed_stderr_is_no_matter(programs: Programs) -> None:
    assert stderr_of(programs, "import os; os.close(2); import sqlite3", ["-v"]) == ""


def test_where_all_is_left_alone_nothing_is_said_to_be_recorded(programs: Programs) -> None:
    said = f"otel-run: {__version__} records nothing of app: every library is to be left alone "

    assert stderr_of(programs, LIBRARY, ["-v", "--disable", "*"]) == (
        f"{said}(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS)\n"
    )


CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'pass'], check=True)"


STATEMENT = "import sqlite3; sqlite3.connect(':memory:').execute('SELECT 1')"


@pytest.mark.parametrize("program", ["pass", CHILD])
def test_who_asks_is_told_of_a_program_that_imported_nothing(
    programs: Programs, program: str
) -> None:
    said = (
        f"otel-run: {__version__} recorded nothing of app: this Python imported no library that is "
        "recorded, see: otel-run libraries\n"
    )

    assert stderr_of(programs, program, ["-v"]) == said
    assert stderr_of(programs, program, OTEL_LOG_LEVEL="debug") == said
    assert stderr_of(programs, program, ["-v"], OTEL_SDK_DISABLED="true") == ""


def test_what_a_child_has_stored_is_not_called_nothing(programs: Programs) -> None:
    child = CHILD.replace("'pass'", repr(STATEMENT))

    assert stderr_of(programs, child, ["-v"], OTEL_EXPORTER_OTLP_ENDPOINT=None) == ""
