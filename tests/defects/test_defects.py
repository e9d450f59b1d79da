"""What other agents get wrong, and no test of a part would notice: whole programs."""

from __future__ import annotations

import math
import subprocess
from typing import TYPE_CHECKING

import pytest

from collector import Answer

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

RECORD = """
import sqlite3, sys
cursor = sqlite3.connect(":memory:").cursor()
cursor.execute("SELECT 1")
"""


def names(collector: Collector) -> list[str]:
    return [span.name for span in collector.spans()]


def test_no_library_is_imported_that_the_program_does_not_import(programs: Programs) -> None:
    program = f"""{RECORD}
import flask
libraries = {{"sqlalchemy", "requests", "urllib3", "urllib.request", "wsgiref", "wrapt"}}
brought = {{name for name in libraries & set(sys.modules)}}
print(sorted(brought), "otel_run_instrumentors.sqlalchemy" in sys.modules)
"""
    plain = programs.run(program, launcher=False).stdout

    assert programs.run(program).stdout == plain
    assert plain.endswith("False\n")


@pytest.mark.parametrize("mistake", ["raise RuntimeError('ours')", "raise SystemError", "1 +"])
def test_an_instrumentor_that_cannot_be_loaded_leaves_the_others_at_work(
    programs: Programs, collector: Collector, mistake: str
) -> None:
    result = programs.run(
        f"""
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "otel_run_instrumentors.flask":
            from importlib.machinery import ModuleSpec
            return ModuleSpec(name, self)
    def create_module(self, spec):
        pass
    def exec_module(self, module):
        exec({mistake!r})
sys.meta_path.insert(0, Broken())
import flask
{RECORD}
print(flask.Flask("shop").test_client().get("/").status)
""",
        env={"OTEL_RUN_VERBOSITY": "0"},
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "404 NOT FOUND\n", "")
    assert names(collector) == ["SELECT"]


@pytest.mark.parametrize(
    ("variable", "value", "hint"),
    [
        ("OTEL_TRACES_EXPORTER", "oltp", "(did you mean otlp?); otlp is used"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "; http/protobuf is used"),
        ("OTEL_PROPAGATORS", "foo", "; tracecontext,baggage is used"),
    ],
)
def test_a_name_that_nobody_knows_costs_neither_the_program_nor_a_signal(
    programs: Programs, collector: Collector, variable: str, value: str, hint: str
) -> None:
    result = programs.run(RECORD + "print('ran')", env={variable: value})

    assert (result.returncode, result.stdout) == (0, "ran\n")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"otel-run: {variable}='{value}': ")
    assert line.endswith(hint)
    assert names(collector) == ["SELECT"]
    assert [metric.points[0].count for metric in collector.metrics()] == [1]


ODD_STATEMENTS = """
import sys
import sqlalchemy
engine = sqlalchemy.create_engine("sqlite://")
for text in (" ", "/* ping */", "-- ping", ";", "(", "SELECT /* ping */ 1"):
    with engine.connect() as connection:
        for execute, statement in (
            (connection.exec_driver_sql, text), (connection.execute, sqlalchemy.text(text))
        ):
            try:
                print(repr(text), execute(statement).returns_rows)
            except Exception as error:
                print(repr(text), type(error).__name__)
"""


def test_statements_without_an_operation_come_to_what_they_come_to_without_us(
    programs: Programs, collector: Collector
) -> None:
    plain = programs.run(ODD_STATEMENTS, launcher=False)
    recorded = programs.run(ODD_STATEMENTS)

    assert (recorded.returncode, recorded.stdout) == (plain.returncode, plain.stdout)
    assert recorded.stderr == plain.stderr
    assert len(names(collector)) == 12


def test_a_time_out_is_in_milliseconds(programs: Programs, collector: Collector) -> None:
    collector.script(Answer(delay=math.inf))
    process = programs.start(
        f"{RECORD}\nsys.stdin.read(1)",
        env={"OTEL_EXPORTER_OTLP_TIMEOUT": "100", "OTEL_BSP_SCHEDULE_DELAY": "10"},
        stdin=subprocess.PIPE,
    )
    # The second attempt, for which the first one must have been given up.
    collector.wait_for(lambda one: len(one.received("/v1/traces")) == 2)
    _, stderr = process.communicate("\n", timeout=30)

    assert process.returncode == 0
    assert stderr.endswith(": no answer in time; trying again\n")


def test_the_export_time_out_ends_all_attempts(programs: Programs, collector: Collector) -> None:
    collector.script(*[Answer(503)] * 2)
    process = programs.start(
        f"{RECORD}\nsys.stdin.read(1)\ncursor.execute('SELECT 2')",
        env={
            "OTEL_BSP_EXPORT_TIMEOUT": "100",
            "OTEL_BSP_SCHEDULE_DELAY": "10",
            "OTEL_METRICS_EXPORTER": "none",
        },
        stdin=subprocess.PIPE,
    )
    collector.wait_for(lambda one: one.requests)
    _, stderr = process.communicate("\n", timeout=30)

    assert process.returncode == 0
    assert stderr.endswith(": HTTP 503; 2 spans dropped so far\n")


def test_a_configuration_file_that_is_not_read_turns_no_variable_off(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(
        f"{RECORD}\nimport urllib.request",
        env={"OTEL_CONFIG_FILE": "otel.yaml", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "sqlite3"},
    )

    assert result.returncode == 0
    assert result.stderr == (
        "otel-run: OTEL_CONFIG_FILE='otel.yaml': files are not read; the environment is used\n"
    )
    assert names(collector) == []


def test_metrics_of_databases_need_no_opting_in(programs: Programs, collector: Collector) -> None:
    programs.run(RECORD)

    (metric,) = collector.metrics()
    assert metric.name == "db.client.operation.duration"
    assert metric.points[0].attributes == {
        "db.system.name": "sqlite",
        "db.namespace": ":memory:",
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT",
    }
