"""How tests start programs, shown on programs without the agent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from programs import Programs

SHOW_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


def test_source_runs_in_a_folder_of_its_own(programs: Programs, tmp_path: Path) -> None:
    finished = programs.run(
        """
        import os, sys
        print(os.getcwd(), sys.argv[1:])
        sys.exit(3)
        """,
        "argument",
        launcher=False,
    )

    assert (finished.returncode, finished.stdout, finished.stderr) == (
        3,
        f"{tmp_path} ['argument']\n",
        "",
    )


def test_a_python_takes_any_arguments(programs: Programs) -> None:
    assert programs.run(["-c", "print('hello')"], launcher=False).stdout == "hello\n"


def test_the_shell_of_the_developer_does_not_show(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "of the developer")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    environment = {"SHOP": "open", "OTEL_EXPORTER_OTLP_ENDPOINT": None}
    shown = programs.run(SHOW_ENVIRONMENT, env=environment, launcher=False)

    assert {
        name: value
        for name, value in json.loads(shown.stdout).items()
        if name.startswith(("OTEL_", "PYTHON", "SHOP"))
    } == {
        "OTEL_RUN_STORE": str(programs.folder / "store"),
        "OTEL_RUN_VERBOSITY": "1",
        "SHOP": "open",
    }


def test_a_mistake_of_the_agent_is_not_overlooked(programs: Programs) -> None:
    program = "import sys; sys.stderr.write('otel-run: internal error in flask: KeyError')"

    with pytest.raises(AssertionError, match="KeyError"):
        programs.run(program, launcher=False)


def test_what_still_runs_ends_with_the_test(programs: Programs) -> None:
    process = programs.start("import sys; sys.stdin.read()", launcher=False, stdin=subprocess.PIPE)
    programs.close()

    assert process.returncode == -9


def test_what_a_program_left_behind_ends_with_the_test(programs: Programs) -> None:
    program = "import os, signal; print('forked', flush=True) if os.fork() else signal.pause()"
    process = programs.start(program, launcher=False)
    assert process.stdout is not None
    assert process.stdout.readline() == "forked\n"
    output = os.dup(process.stdout.fileno())
    process.wait()
    programs.close()

    # The end of the output is only reached when nobody is left who could write to it.
    assert os.read(output, 1) == b""
    os.close(output)


def test_it_is_the_python_of_the_tests(programs: Programs) -> None:
    finished = programs.run("import sys; print(sys.executable)", launcher=False)

    assert Path(finished.stdout.strip()) == Path(sys.executable)
