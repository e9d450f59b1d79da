"""An instrumentor that fails again and again turns itself off, and the program never notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

PROGRAM = """
import sqlite3, sys
import flask

def fails(call):
    raise RuntimeError("of ours")

def break_ours():
    from otel_run_instrumentors.sqlite3 import INSTRUMENTOR
    INSTRUMENTOR.convention.read_statement = fails

connection = sqlite3.connect(":memory:")
connection.execute("SELECT 'before'")
if sys.argv[1:]:
    break_ours()
for number in range(15):
    print(connection.execute(f"SELECT {number}").fetchone())
    try:
        connection.execute("SELECT * FROM missing")
    except sqlite3.OperationalError as error:
        print(error, error.__cause__, error.__context__)
print(type(sqlite3.connect(":memory:")))
print(flask.Flask("shop").test_client().get("/").status)
sys.exit(3)
"""


def test_after_ten_failures_one_line_says_that_it_is_off(
    programs: Programs, collector: Collector
) -> None:
    quiet = {"OTEL_RUN_VERBOSITY": None}
    bare = programs.run(PROGRAM, launcher=False)
    result = programs.run(PROGRAM, "broken", env=quiet)

    assert (result.returncode, result.stdout) == (bare.returncode, bare.stdout)
    assert result.returncode == 3
    (line,) = result.stderr.splitlines()
    assert line.startswith("otel-run: 10 internal errors in sqlite3, the last one RuntimeError at ")
    assert line.endswith("; it is turned off; the program is not affected")
    assert "of ours" not in line
    # What it recorded before is there, and the others go on.
    assert [span.name for span in collector.spans()] == ["SELECT", "GET"]
