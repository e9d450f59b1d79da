"""Bad settings, bad collectors and our own mistakes: the program runs as it would without us."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import otel_run_bootstrap
from collector import Answer
from otel_run.notice import PREFIX, escape
from otel_run.settings import load
from otel_run.settings.names import KNOWN
from programs import without_introduction

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

AUTOLOAD = Path(otel_run_bootstrap.__file__).parent / "autoload"

PROGRAM = """
import sqlite3, sys
cursor = sqlite3.connect(":memory:").cursor()
print(cursor.execute("SELECT 7").fetchone())
sys.stdout.flush()
sys.exit(5)
"""

# A control character, what separates lists, what no encoding has, and a secret in each place.
GARBAGE = "\x1b[31m hunter2://hunter2@=,é\udcff?hunter2"

# Whose names the settings do not know: the instrumentors do.
LIBRARIES = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "OTEL_RUN_REQUIRE"}

# Any text will do for these, or nobody reads them yet.
FREE = {
    "OTEL_BLRP_EXPORT_TIMEOUT",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_ENTITIES",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "OTEL_EXPORTER_ZIPKIN_PROTOCOL",
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
    "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_RUN_PROPAGATE_TO",
    "OTEL_RUN_STORE",
    "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN",
    "OTEL_SEMCONV_STABILITY_OPT_IN",
    "OTEL_SERVICE_NAME",
    *(
        f"OTEL_EXPORTER_OTLP_{signal}{option}"
        for signal in ("", "TRACES_", "METRICS_", "LOGS_")
        for option in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY", "INSECURE")
    ),
}


WITHOUT_COLLECTOR = {f"OTEL_{name}_EXPORTER": "none" for name in ("TRACES", "METRICS", "LOGS")}

# Nobody looks at these where there is something more specific, or the sampler is not known.
OVERRIDDEN = {
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_TRACES_SAMPLER_ARG",
}


def complaints(**variables: str) -> list[str]:
    """What is said of these variables, as it comes to the terminal."""
    return [PREFIX + escape(line) for line in load(variables).complaints]


@pytest.mark.parametrize("name", sorted(KNOWN - FREE - LIBRARIES))
def test_garbage_in_a_variable_is_one_clear_line_and_the_program_runs(
    programs: Programs, name: str
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": programs.endpoint, "OTEL_RUN_VERBOSITY": "0"}
    variables |= WITHOUT_COLLECTOR if name == "OTEL_EXPORTER_OTLP_ENDPOINT" else {}
    variables[name] = GARBAGE
    result = programs.run(PROGRAM, env=variables)

    assert (result.returncode, result.stdout) == (5, "(7,)\n")
    (line,) = result.stderr.splitlines()
    assert line == complaints(**variables)[0]
    assert line.startswith(f"{PREFIX}{name}=")
    assert line.endswith((" is used", "; it is ignored"))
    assert line.isprintable()
    if name.endswith("_HEADERS") or "ENDPOINT" in name:
        assert "hunter2" not in line.replace("hunter2://", "")


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_garbage_instead_of_libraries_is_one_clear_line_too(programs: Programs, name: str) -> None:
    result = programs.run(PROGRAM, env={name: GARBAGE, "OTEL_RUN_VERBOSITY": "0"})

    assert (result.returncode, result.stdout) == (5, "(7,)\n")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{PREFIX}{name}=")
    assert line.endswith("; it is ignored")
    assert line.isprintable()


def test_garbage_where_any_text_will_do_is_silent(programs: Programs, collector: Collector) -> None:
    result = programs.run(PROGRAM, env=dict.fromkeys(FREE, GARBAGE))

    assert (result.returncode, result.stdout, result.stderr) == (5, "(7,)\n", "")
    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_the_defaults_are_used_instead_of_garbage(programs: Programs, collector: Collector) -> None:
    names = KNOWN - FREE - LIBRARIES - {"OTEL_EXPORTER_OTLP_ENDPOINT"}
    result = programs.run(PROGRAM, env=dict.fromkeys(names, GARBAGE))

    assert (result.returncode, result.stdout) == (5, "(7,)\n")
    lines = result.stderr.splitlines()
    assert len(lines) == len(set(lines))
    assert {line.removeprefix(PREFIX).partition("=")[0] for line in lines} == (names - OVERRIDDEN)
    assert [span.name for span in collector.spans()] == ["SELECT"]


BAD = {"OTEL_BSP_SCHEDULE_DELAY": "soon"}
SAID = "otel-run: OTEL_BSP_SCHEDULE_DELAY='soon': not a whole number of milliseconds"
WITH_CHILDREN = """
import os, sqlite3, subprocess, sys
import urllib.request, flask, requests
if "child" not in sys.argv:
    if os.fork() == 0:
        import http.client
        os._exit(0)
    os.wait()
    subprocess.run([sys.executable, __file__, "child"], check=True)
"""


def test_the_first_process_complains_once_and_its_children_are_silent(programs: Programs) -> None:
    result = programs.run(WITH_CHILDREN, env=BAD)

    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(SAID)


def test_under_a_shell_it_is_the_python_that_complains(programs: Programs) -> None:
    (programs.folder / "program.py").write_text(WITH_CHILDREN)
    command = [sys.executable, "-m", "otel_run_bootstrap", "sh", "-c"]
    result = subprocess.run(
        [*command, f"'{sys.executable}' program.py; true"],
        cwd=programs.folder,
        env=programs.environment(BAD),
        capture_output=True,
        text=True,
        check=True,
    )

    (line,) = without_introduction(result.stderr).splitlines()
    assert line.startswith(SAID)


def test_without_the_command_a_process_complains_itself(programs: Programs) -> None:
    environment = {"PYTHONPATH": str(AUTOLOAD), **BAD, "OTEL_SDK_DISABLED": None}
    result = programs.run("import sqlite3, flask", env=environment, launcher=False)

    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(SAID)


@pytest.mark.parametrize(
    ("program", "flags"), [("import sqlite3", ("-q",)), ("import json", ()), ("pass", ())]
)
def test_nobody_complains_to_who_wants_silence_or_records_nothing(
    programs: Programs, program: str, flags: tuple[str, ...]
) -> None:
    assert programs.run(program, env=BAD, flags=flags).stderr == ""


BUSY = """
import sqlite3, sys, threading
cursor = sqlite3.connect(":memory:").cursor()
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(1), done.set()), daemon=True).start()
while not done.wait(0.002):
    cursor.execute("SELECT 1")
print("done")
sys.exit(5)
"""


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, body=b"<html>broken</html>"),
        Answer(413),
        Answer(404, body=b"\xff\x00garbage"),
        Answer(302, headers={"location": "/"}),
        Answer(200, body=b"\xffgarbage" * 1000),
        Answer(200, headers={"content-encoding": "gzip", "content-type": "text/html"}),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:5]!r}",
)
def test_a_collector_that_answers_rubbish_for_a_while_gives_a_line_and_one_at_the_end(
    programs: Programs, collector: Collector, answer: Answer
) -> None:
    collector.script(*[answer] * 1000)
    process = programs.start(
        BUSY,
        env={"OTEL_BSP_SCHEDULE_DELAY": "5", "OTEL_METRIC_EXPORT_INTERVAL": "20"},
        stdin=subprocess.PIPE,
    )
    collector.wait_for(lambda one: len(one.requests) >= 20)
    stdout, stderr = process.communicate("\n", timeout=30)

    assert (process.returncode, stdout) == (5, "done\n")
    stderr = without_introduction(stderr)
    assert len(stderr.splitlines()) == (0 if answer.status == 200 else 2)
    assert stderr.replace("\n", "").isprintable()


# Where the export thread goes through, and what is said where it goes no further.
STEPS = (
    "otel_run.export.pipeline:Pipeline._rest",
    "otel_run.export.worker:Worker.work",
    "otel_run.export.worker:Worker._take",
    "otel_run.export.worker:attributes",
    "otel_run.export.worker:metrics_request",
    "otel_run.export.otlp:Encoder.span",
    "otel_run.export.otlp_http:OtlpHttp.load",
    "otel_run.export.otlp_http:OtlpHttp.offer",
    "otel_run.export.otlp_http:OtlpHttp.pump",
    "otel_run.export.transport:Transport.send",
    "otel_run.export.transport:read_reply",
    "otel_run.export.outbox:read_rejection",
)
FAULTS = {
    "raises": "def fault(*_): raise LookupError('ours')",
    "answers rubbish": "def fault(*_): return object()",
    "hangs": "def fault(*_): threading.Event().wait()",
}
BROKEN = """
import sys, threading
{fault}
module, _, path = "{step}".partition(":")
owner = sys.modules[module] if __import__(module) else None
*parents, name = path.split(".")
for parent in parents:
    owner = getattr(owner, parent)
setattr(owner, name, fault)
"""


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_breaks_behind_the_queue_the_program_never_notices(
    programs: Programs, fault: str
) -> None:
    started = [
        programs.start(
            ["-c", BROKEN.format(fault=FAULTS[fault], step=step) + PROGRAM],
            env={"OTEL_RUN_VERBOSITY": "0"},
        )
        for step in STEPS
    ]
    for step, process in zip(STEPS, started, strict=True):
        stdout, stderr = process.communicate(timeout=30)
        lines = stderr.splitlines()

        assert (step, process.returncode, stdout) == (step, 5, "(7,)\n")
        assert len(lines) <= 1, step
        assert all(line.startswith(PREFIX) for line in lines), step


def test_a_collector_that_never_answers_changes_neither_output_nor_status(
    programs: Programs, collector: Collector
) -> None:
    collector.script(*[Answer(delay=math.inf)] * 100)
    result = programs.run(PROGRAM, timeout=30)

    assert (result.returncode, result.stdout) == (5, "(7,)\n")
    assert len(result.stderr.splitlines()) <= 1


# Seconds of processor time, of this process, in a second and a half in which it only waits.
WAITING = """
import sqlite3, time
cursor = sqlite3.connect(":memory:").cursor()
for _ in range(2000):
    cursor.execute("SELECT 1")
time.sleep(0.3)
before = time.process_time()
time.sleep(1.5)
print(time.process_time() - before)
"""


@pytest.mark.parametrize(
    "answer",
    [None, Answer(503), Answer(delay=math.inf)],
    ids=["nobody", "busy", "never answers"],
)
def test_a_collector_that_fails_costs_a_hundredth_of_a_processor_at_most(
    programs: Programs, collector: Collector, answer: Answer | None
) -> None:
    env = {"OTEL_RUN_VERBOSITY": "0"}
    if answer is None:
        env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
    else:
        collector.script(*[answer] * 1000)
    result = programs.run(WAITING, env=env)

    assert result.returncode == 0
    assert float(result.stdout) < 0.015
    assert len(result.stderr.splitlines()) <= 2
