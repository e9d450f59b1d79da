"""OTEL_RUN_REQUIRE: what should have been recorded, and was not, is told at the end."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wrapt

from bare_python import AUTOLOAD

if TYPE_CHECKING:
    from bare_python import BarePython
    from programs import Programs

QUIET = {"OTEL_RUN_VERBOSITY": "-1"}
DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"


def lines(programs: Programs, program: str, required: str, **env: str) -> list[str]:
    """Run a program that requires libraries; return what it is told, with `-q`."""
    result = programs.run(program, env={**QUIET, "OTEL_RUN_REQUIRE": required, **env})
    assert result.returncode == 3
    return result.stderr.splitlines()


def told(name: str, why: str) -> str:
    return f"otel-run: {name} is not recorded: {why} (required by OTEL_RUN_REQUIRE)"


def test_what_is_patched_is_no_matter(programs: Programs) -> None:
    program = "import sqlite3, urllib.request, sys; sys.exit(3)"

    assert lines(programs, program, "sqlite3, urllib.request, http-client") == []


def test_what_is_never_imported_is_told_whatever_else_is_silent(programs: Programs) -> None:
    program = "import sqlite3, sys; sys.exit(3)"

    assert lines(programs, program, "Flask,sqlite3,requests") == [
        told("flask", "the run's first process never imported it"),
        told("requests", "the run's first process never imported it"),
    ]


def test_a_program_that_imports_nothing_to_record_is_told_too(programs: Programs) -> None:
    assert lines(programs, "import threading; raise SystemExit(3)", "sqlite3,threading") == [
        told("sqlite3", "the run's first process never imported it"),
        told("threading", "there is nothing yet that it could carry along"),
    ]


def test_what_a_setting_leaves_alone_is_told(programs: Programs) -> None:
    program = "import sqlite3, sys; sys.exit(3)"

    assert lines(programs, program, "sqlite3", **{DISABLED: "sqlite3"}) == [
        told("sqlite3", f"left alone, as {DISABLED} says")
    ]


def test_a_library_without_instrumentor_is_told(programs: Programs) -> None:
    program = "import sqlite3, sys; sys.exit(3)"

    assert lines(programs, program, "redis") == [
        told("redis", "otel-run has nothing for it, see otel-run libraries")
    ]


@pytest.mark.parametrize("program", ["import sqlite3, sys; sys.exit(3)", "raise SystemExit(3)"])
def test_a_name_that_nobody_knows_is_a_bad_setting(programs: Programs, program: str) -> None:
    variables = {"OTEL_RUN_REQUIRE": "sqlit3", "OTEL_RUN_VERBOSITY": "0"}
    result = programs.run(program, env=variables)

    assert (result.returncode, result.stderr) == (
        3,
        (
            "otel-run: OTEL_RUN_REQUIRE='sqlit3': no library is called sqlit3 "
            "(did you mean sqlite3?); it is ignored\n"
        ),
    )


def test_a_child_tells_of_what_it_has_imported_alone(programs: Programs) -> None:
    program = f"""
        import os, subprocess, sys
        os.environ["{DISABLED}"] = "sqlite3"
        subprocess.run([sys.executable, "-c", "import sqlite3"])
        sys.exit(3)
    """

    assert lines(programs, program, "sqlite3,flask") == [
        told("sqlite3", f"left alone, as {DISABLED} says"),
        told("flask", "the run's first process never imported it"),
        told("sqlite3", "the run's first process never imported it"),
    ]


def test_a_library_whose_functions_are_gone_is_told(programs: Programs) -> None:
    (programs.folder / "sqlite3").mkdir()
    (programs.folder / "sqlite3" / "__init__.py").write_text("from sqlite3.dbapi2 import *")
    (programs.folder / "sqlite3" / "dbapi2.py").touch()

    assert lines(programs, "import sqlite3, sys; sys.exit(3)", "sqlite3") == [
        told("sqlite3", "sqlite3.dbapi2:connect: this version has no such function (and 1 more)")
    ]


def test_a_library_that_was_turned_off_is_told(programs: Programs) -> None:
    program = """
        import sqlite3, sys
        from otel_run import guard
        for _ in range(guard.LIMIT):
            guard.caught(ValueError(), "sqlite3")
        sys.exit(3)
    """

    assert lines(programs, program, "sqlite3")[1:] == [
        told("sqlite3", "turned off after 10 internal errors")
    ]


def test_an_instrumentor_that_fails_is_told_with_the_reason(
    python: BarePython,
) -> None:
    own = python.folder_with("own", shop="")
    (own / "otel_run_instrumentors").mkdir()
    shutil.copytree(Path(wrapt.__file__).parent, own / "wrapt")
    from otel_run_instrumentors import names

    shutil.copy(str(names.__file__), own / "otel_run_instrumentors")
    for name, source in {
        "__init__": "",
        "registry": "INSTRUMENTORS = {'shop': 'otel_run_instrumentors.shop'}\nCARRIERS = ()",
        "shop": "raise RuntimeError('broken')",
    }.items():
        (own / "otel_run_instrumentors" / f"{name}.py").write_text(source)
    result = python.run(
        *("-c", "import shop"), path=(AUTOLOAD, own), env={"OTEL_RUN_REQUIRE": "shop"}
    )

    assert (result.returncode, result.stderr) == (
        0,
        told("shop", "its instrumentor fails: RuntimeError: broken") + "\n",
    )


def test_without_the_variable_nothing_is_loaded_for_it(programs: Programs) -> None:
    program = """
        import atexit, sqlite3, sys
        print("otel_run_bootstrap.requirement" in sys.modules)
        print("otel_run_bootstrap.introduction" in sys.modules)
    """
    result = programs.run(program, env={"OTEL_RUN_VERBOSITY": "0"})

    assert (result.stdout, result.stderr) == ("False\nFalse\n", "")
