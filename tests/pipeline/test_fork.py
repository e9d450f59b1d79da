"""A fork never hangs, never duplicates, and the child is a process of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from collector import Answer
from pipeline.records import RECORD
from programs import without_introduction

if TYPE_CHECKING:
    from pathlib import Path

    from collector import Collector
    from programs import Programs


def test_a_thousand_forks_while_recording_and_exporting(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(
        f"""{RECORD}
stop = False
recorded = 0
def busy():
    global recorded
    mine = sqlite3.connect(":memory:").cursor()
    while not stop:
        mine.execute("SELECT 2 FROM sqlite_master")
        recorded += 1
        threading.Event().wait(0.0005)
thread = threading.Thread(target=busy)
thread.start()
for n in range(1000):
    record(1)
    pid = os.fork()
    if pid == 0:
        record(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
stop = True
thread.join()
print(recorded)
""",  # noqa: S608  a program, and no query
        env={"OTEL_BSP_SCHEDULE_DELAY": "10", "PYTHONWARNINGS": "ignore"},
        timeout=240,
    )

    assert (result.returncode, result.stderr) == (0, "")
    names = [span.name for span in collector.spans()]
    assert names.count("SELECT") == 1000
    assert names.count("SELECT sqlite_master") == int(result.stdout)


def test_a_child_has_ids_a_resource_and_series_of_its_own(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(f"""{RECORD}
import random
random.seed(42)
record(2)
for _ in range(2):
    if os.fork() == 0:
        random.seed(42)
        record(1)
        sys.exit(0)
    os.wait()
record(1)
""")

    assert (result.returncode, result.stderr) == (0, "")
    spans = collector.spans()
    by_instance: dict[str, list[str]] = {}
    for span in spans:
        by_instance.setdefault(span.resource["service.instance.id"], []).append(span.name)
    assert sorted(len(names) for names in by_instance.values()) == [1, 1, 3]
    assert len({span.trace_id for span in spans}) == 5
    counts = [metric.points[0].count for metric in collector.metrics()]
    assert sorted(counts) == [1, 1, 3]


def test_an_operation_open_at_the_fork_is_recorded_by_the_parent_alone(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(f"""{RECORD}
import flask
app = flask.Flask("shop")
child = None
@app.get("/")
def fork():
    global child
    child = os.fork()
    record(1)
    return "forked"
with app.test_client() as client:
    client.get("/").close()
if child:
    os.waitpid(child, 0)
""")

    assert (result.returncode, result.stderr) == (0, "")
    spans = collector.spans()
    (server,) = (span for span in spans if span.kind == "server")
    assert sorted(span.name for span in spans) == ["GET /", "SELECT", "SELECT"]
    assert {span.parent_id for span in spans} == {"", server.span_id}
    assert len({span.resource["process.pid"] for span in spans}) == 2


def test_no_warning_of_threads_at_a_fork(programs: Programs, collector: Collector) -> None:
    result = programs.run(
        f"""{RECORD}
for _ in range(20):
    record(600)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
connection.close()
""",
        env={"PYTHONWARNINGS": "error"},
    )

    assert (result.returncode, result.stderr) == (0, "")
    collector.wait_for(lambda c: len(c.spans()) == 12_000)


@pytest.mark.parametrize("module", ["ssl", "otel_run.service_name"])
def test_a_child_never_inherits_an_import_that_the_export_thread_has_begun(
    programs: Programs, secure_collector: Collector, certificate: Path, module: str
) -> None:
    result = programs.run(
        f"""
import os, sys, threading
begun = threading.Event()
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            begun.set()
            threading.Event().wait(0.5)
sys.meta_path.insert(0, Slow())
{RECORD}
assert "{module}" not in sys.modules
record(1)
assert begun.wait(20)
pid = os.fork()
if pid == 0:
    import {module}
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
        env={
            "OTEL_BSP_SCHEDULE_DELAY": "10",
            "OTEL_RUN_VERBOSITY": "0",  # who introduces itself has looked for its name
            "OTEL_EXPORTER_OTLP_ENDPOINT": secure_collector.endpoint,
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate),
        },
        timeout=60,
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "0\n", "")
    assert [span.name for span in secure_collector.spans()] == ["SELECT"]


def test_a_fork_does_not_wait_for_a_collector_that_never_answers(
    programs: Programs, collector: Collector
) -> None:
    collector.script(Answer(delay=math.inf))
    result = programs.run(
        f"""{RECORD}
record(1)
deadline = time.monotonic() + 20
while not os.path.exists("asked"):
    assert time.monotonic() < deadline
    record(1)
    time.sleep(0.05)
    if time.monotonic() > deadline - 19:
        open("asked", "w").close()
before = time.monotonic()
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
print(time.monotonic() - before < 2)
""",
        env={"OTEL_BSP_SCHEDULE_DELAY": "10"},
        timeout=60,
    )

    assert (result.returncode, result.stdout) == (0, "True\n")


def test_what_a_slow_collector_is_about_to_answer_at_a_fork_is_not_sent_again(
    programs: Programs, collector: Collector
) -> None:
    collector.script(*[Answer(delay=0.4)] * 3)
    process = programs.start(
        f"""{RECORD}
for _ in range(3):
    record(1)
    sys.stdin.readline()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
""",
        env={"OTEL_BSP_SCHEDULE_DELAY": "10"},
        stdin=-1,
    )
    assert process.stdin is not None
    for number in range(1, 4):
        collector.wait_for(lambda one, number=number: len(one.spans()) == number)  # type: ignore[misc]
        process.stdin.write("\n")
        process.stdin.flush()
    stdout, stderr = process.communicate(timeout=60)

    assert (process.returncode, stdout, without_introduction(stderr)) == (0, "", "")
    assert [span.name for span in collector.spans()] == ["SELECT"] * 3
