"""A program may have modules that are called like Python's own: they are not ours to run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otel_run.shadow import ALWAYS, FOR_GZIP, FOR_JSON, FOR_TLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector import Collector
    from programs import Programs

PROGRAM = """
import sqlite3
connection = sqlite3.connect(":memory:")
print(connection.execute("SELECT 7").fetchone())
connection.close()
"""

# Whatever is imported late, for a failure or an export, and then a line that tells what is.
AND_ALL_ELSE = """
import sys
try:
    connection.execute("SELECT 'to%6Ben=1'")
except sqlite3.ProgrammingError:
    pass
from otel_run.export.pipeline import PIPELINE
PIPELINE.flush()
print("", *sys.modules)
"""


@pytest.fixture
def app(programs: Programs) -> Path:
    """The program's own folder, which Python puts on its path; the command runs elsewhere."""
    folder = programs.folder / "app"
    folder.mkdir()
    (folder / "program.py").write_text(PROGRAM)
    return folder


def add_modules(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f"{name}.py").write_text(f"print('{name} of the program')\n")


def tops(modules: str) -> set[str]:
    return {name.partition(".")[0] for name in modules.split()}


def needed_by(programs: Programs) -> set[str]:
    """The modules of Python's own that the program cannot do without, whoever records it."""
    plain = programs.run(f"{PROGRAM}\nimport sys; print(*sys.modules)", launcher=False)
    return tops(plain.stdout.splitlines()[-1]) | set(sys.builtin_module_names)


@pytest.mark.parametrize("name", ["re", "select", "fcntl", "mmap", "weakref"])
def test_where_one_stands_in_the_way_a_line_says_so_and_it_is_not_run(
    programs: Programs, app: Path, name: str
) -> None:
    if name in needed_by(programs):
        return  # nothing can stand in its place
    add_modules(app, name)
    result = programs.run(app / "program.py", env={"OTEL_RUN_VERBOSITY": "0"})

    assert (result.returncode, result.stdout) == (0, "(7,)\n")
    assert result.stderr == (
        f"otel-run: nothing is recorded: {app / name}.py is imported in the place of "
        "Python's own module (rename it)\n"
    )


def test_one_that_is_imported_already_stands_in_the_way_as_well(
    programs: Programs, app: Path
) -> None:
    add_modules(app, "mmap")
    (app / "program.py").write_text(f"import mmap\n{PROGRAM}")
    result = programs.run(app / "program.py", env={"OTEL_RUN_VERBOSITY": "0"})

    assert result.stdout == "mmap of the program\n(7,)\n"
    assert result.stderr.startswith("otel-run: nothing is recorded: ")


def test_all_others_are_no_matter(programs: Programs, app: Path, collector: Collector) -> None:
    others = sys.stdlib_module_names - needed_by(programs) - set(ALWAYS)
    add_modules(app, *(name for name in others if not name.startswith("_")))
    result = programs.run(app / "program.py")

    assert (result.returncode, result.stdout, result.stderr) == (0, "(7,)\n", "")
    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_python_s_own_modules_are_so_however_their_folder_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "python"
    folder.symlink_to(Path(os.__file__).parent)
    program = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from otel_run.shadow import ALWAYS, FOR_TLS, find_shadow\n"
        "print(repr(find_shadow(ALWAYS + FOR_TLS, {})))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True
    )

    assert result.stdout == "''\n"


@pytest.mark.parametrize(
    ("env", "name", "complaint"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://localhost:9"},
            "ssl",
            "cannot send traces to https://localhost:9/v1/traces: {path} is imported in the place",
        ),
        (
            {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
            "zlib",
            "cannot send traces to {endpoint}/v1/traces: {path} is imported in the place",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none"},
            "json",
            "cannot write telemetry to stdout: {path} is imported in the place",
        ),
    ],
    ids=["TLS", "gzip", "console"],
)
def test_what_a_destination_needs_stands_in_its_way_alone(
    programs: Programs, app: Path, env: Mapping[str, str], name: str, complaint: str
) -> None:
    add_modules(app, name)
    result = programs.run(app / "program.py", env={**env, "OTEL_RUN_VERBOSITY": "0"})

    path = app / f"{name}.py"
    assert (result.returncode, result.stdout) == (0, "(7,)\n")
    assert result.stderr.startswith(
        f"otel-run: {complaint.format(path=path, endpoint=programs.endpoint)} of Python's own"
    )


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({}, ALWAYS),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://localhost:9"}, ALWAYS + FOR_TLS),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, ALWAYS + FOR_GZIP),
        ({"OTEL_TRACES_EXPORTER": "console"}, ALWAYS + FOR_JSON),
    ],
    ids=["always", "TLS", "gzip", "console"],
)
def test_what_we_import_is_known(
    programs: Programs, env: Mapping[str, str], names: tuple[str, ...]
) -> None:
    result = programs.run(PROGRAM + AND_ALL_ELSE, env={**env, "OTEL_RUN_VERBOSITY": "0"})
    imported = tops(result.stdout.splitlines()[-1]) & sys.stdlib_module_names
    shadowable = {name for name in imported - needed_by(programs) if not name.startswith("_")}

    assert shadowable <= {*names}
