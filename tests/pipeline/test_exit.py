"""However a process ends, what it recorded arrives, and it ends as it would have."""

from __future__ import annotations

import contextlib
import math
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

import pytest

from collector import Answer
from pipeline.records import RECORD
from programs import INTERNAL_ERROR, without_introduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector import Collector
    from programs import Programs

SLACK = 5.0  # s

# A signal may come just before a longer sleep begins.
WAIT = """
print("ready", flush=True)
while True:
    time.sleep(0.01)
"""


# What `record` makes.
SELECT = {
    "db.system.name": "sqlite",
    "db.namespace": ":memory:",
    "db.operation.name": "SELECT",
    "db.query.summary": "SELECT",
    "db.query.text": "SELECT ?",
}


def names(collector: Collector) -> list[str]:
    """The names of all spans, each of which has to be whole."""
    spans = collector.spans()
    assert [span.attributes for span in spans] == [SELECT] * len(spans)
    assert {(span.kind, span.status, span.parent_id) for span in spans} <= {("client", "unset", "")}
    assert len({span.span_id for span in spans}) == len(spans)
    return [span.name for span in spans]


def status_after(programs: Programs, number: signal.Signals, program: str) -> int:
    """Run a program that waits in the end, send it the signal then, and return its status."""
    process = programs.start(f"{RECORD}{program}{WAIT}")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    return process.wait(30)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("", 0),
        ("import sys; sys.exit(3)", 3),
        ("raise SystemExit('no')", 1),
        ("raise ValueError('broken')", 1),
        ("import atexit; atexit.register(record, 2)", 0),
        ("import threading; threading.Thread(target=record, args=(2,)).start()", 0),
        (
            "import threading; t = threading.Thread(target=record, args=(2,)); t.start(); t.join()",
            0,
        ),
    ],
)
def test_what_was_recorded_arrives_at_every_ending(
    programs: Programs, collector: Collector, ending: str, status: int
) -> None:
    result = programs.run(f"{RECORD}\nrecord(3)\n{ending}\n")

    assert result.returncode == status
    assert names(collector) == ["SELECT"] * (5 if "record" in ending else 3)
    assert [metric.points[0].count for metric in collector.metrics()] == [len(names(collector))]


def test_a_terminated_process_sends_what_it_has_and_dies_of_the_signal(
    programs: Programs, collector: Collector
) -> None:
    assert status_after(programs, signal.SIGTERM, "record(3)") == -signal.SIGTERM
    assert names(collector) == ["SELECT"] * 3


def test_records_of_other_threads_arrive_when_the_process_is_terminated(
    programs: Programs, collector: Collector
) -> None:
    program = """
thread = threading.Thread(target=record, args=(3,))
thread.start()
thread.join()
"""
    assert status_after(programs, signal.SIGTERM, program) == -signal.SIGTERM
    assert names(collector) == ["SELECT"] * 3


def test_the_programs_own_handler_is_the_one_that_runs(
    programs: Programs, collector: Collector
) -> None:
    program = """
import signal
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
record(3)
"""
    assert status_after(programs, signal.SIGTERM, program) == 7
    assert names(collector) == ["SELECT"] * 3


def test_a_handler_that_calls_the_one_before_it_stays_in_charge(
    programs: Programs, collector: Collector
) -> None:
    program = """
import signal
before = signal.getsignal(signal.SIGTERM)
def handle(number, frame):
    if callable(before):
        before(number, frame)
    record(1)
    sys.exit(8)
signal.signal(signal.SIGTERM, handle)
record(3)
"""
    assert status_after(programs, signal.SIGTERM, program) == 8
    assert names(collector) == ["SELECT"] * 4


def test_an_ignored_signal_stays_ignored(programs: Programs) -> None:
    result = programs.run(f"""
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{RECORD}
record(3)
os.kill(os.getpid(), signal.SIGTERM)
print(signal.getsignal(signal.SIGTERM) is signal.SIG_IGN)
""")

    assert (result.returncode, result.stdout) == (0, "True\n")


def test_ctrl_c_is_what_it_was(programs: Programs, collector: Collector) -> None:
    assert status_after(programs, signal.SIGINT, "record(3)") == -signal.SIGINT
    assert names(collector) == ["SELECT"] * 3


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("kind", ["Process", "Pool"])
def test_children_of_multiprocessing_send_what_they_recorded(
    programs: Programs, collector: Collector, method: str, kind: str
) -> None:
    run = {
        "Process": "p = context.Process(target=record, args=(2,)); p.start(); p.join()",
        "Pool": "pool = context.Pool(1); pool.map(record, [2]); pool.close(); pool.join()",
    }[kind]
    result = programs.run(f"""{RECORD}
import multiprocessing
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    record(1)
    {run}
""")

    assert (result.returncode, result.stderr) == (0, "")
    assert names(collector) == ["SELECT"] * 3
    assert len({span.resource["service.instance.id"] for span in collector.spans()}) == 2
    assert len({span.resource["process.pid"] for span in collector.spans()}) == 2


def test_a_child_that_leaves_by_exit_itself_takes_along_what_is_its_own(
    programs: Programs, collector: Collector
) -> None:
    """`os._exit` is for leaving at once: nothing of ours runs, and nothing hangs."""
    result = programs.run(f"""{RECORD}
import multiprocessing, signal
def leave(how):
    record(2)
    how()
    os._exit(9)
def die():
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    record(1)
    context = multiprocessing.get_context("fork")
    for how in (int, die):
        process = context.Process(target=leave, args=(how,))
        process.start()
        process.join()
        print(process.exitcode)
    record(1)
""")

    assert (result.returncode, result.stdout, result.stderr) == (0, "9\n-9\n", "")
    assert names(collector) == ["SELECT"] * 2


def test_a_pool_whose_worker_leaves_by_exit_itself_breaks_as_ever(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(f"""{RECORD}
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
def leave(count):
    record(count)
    os._exit(9)
if __name__ == "__main__":
    record(1)
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        try:
            pool.submit(leave, 2).result()
        except BrokenProcessPool as error:
            print(type(error).__name__)
    record(1)
""", env={"PYTHONWARNINGS": "ignore"})  # fmt: skip  # of a fork while there are threads

    assert (result.returncode, result.stdout, result.stderr) == (0, "BrokenProcessPool\n", "")
    assert names(collector) == ["SELECT"] * 2


def test_workers_that_a_pool_terminates_send_what_they_recorded(
    programs: Programs, collector: Collector
) -> None:
    """As a `with` statement does at its end, with SIGTERM."""
    result = programs.run(f"""{RECORD}
import multiprocessing
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(record, [2, 2], chunksize=1)
""")

    assert (result.returncode, result.stderr) == (0, "")
    assert names(collector) == ["SELECT"] * 4


@pytest.mark.parametrize(
    "interrupted",
    [
        "PIPELINE._life.acquire()",
        "PIPELINE._life.acquire(); PIPELINE._deadline = time.monotonic() + 3",
    ],
)
def test_a_signal_that_interrupts_the_end_finds_all_that_is_left(
    programs: Programs, collector: Collector, interrupted: str
) -> None:
    """Wherever it comes: what is interrupted has not told the thread to send yet."""
    result = programs.run(f"""{RECORD}
record(2)
from otel_run.export.pipeline import PIPELINE
{interrupted}
os.kill(os.getpid(), 15)
time.sleep(60)
""")

    assert (result.returncode, result.stderr) == (-signal.SIGTERM, "")
    assert names(collector) == ["SELECT"] * 2


UNREACHABLE = {
    "refuses": "http://127.0.0.1:9",
    "is nowhere": "http://192.0.2.1:4318",
    "has no name": "http://no-such-host.invalid",
}
ANSWERS = {
    "hangs up": Answer(0),
    "fails": Answer(500),
    "is busy": Answer(503),
    "never answers": Answer(200, delay=math.inf),
    "wants less": Answer(413),
}


@pytest.fixture
def full_port() -> Iterator[str]:
    """An endpoint whose queue is full: the kernel drops every SYN, as a firewall would."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as own:
        address = server.getsockname()
        for _ in range(3):
            waiting = own.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"


@pytest.mark.parametrize("ending", ["exits", "is terminated"])
@pytest.mark.parametrize("trouble", [*ANSWERS, *UNREACHABLE, "drops packets"])
def test_a_collector_that_fails_costs_the_program_neither_its_status_nor_its_time(
    programs: Programs, collector: Collector, full_port: str, trouble: str, ending: str
) -> None:
    if trouble in ANSWERS:
        collector.script(*[ANSWERS[trouble]] * 50)
    endpoints = {**dict.fromkeys(ANSWERS, collector.endpoint), **UNREACHABLE}
    way = {"exits": "sys.exit(5)", "is terminated": "os.kill(os.getpid(), 15)"}[ending]
    process = programs.start(
        f"{RECORD}\nrecord(3)\nprint('done', flush=True)\n{way}\n",
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoints.get(trouble, full_port)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    began = time.monotonic()
    _, stderr = process.communicate(timeout=60)

    # 3 s and 1 s it waits; the rest is for an interpreter that ends on a busy machine.
    assert time.monotonic() - began < (3 if ending == "exits" else 1) + SLACK
    assert process.returncode == (5 if ending == "exits" else -signal.SIGTERM)
    assert len(without_introduction(stderr).splitlines()) <= 1
    assert INTERNAL_ERROR not in stderr


def test_a_closed_stderr_and_stdout_are_harmless(programs: Programs, collector: Collector) -> None:
    result = programs.run(f"""
import sys
sys.stdout.close(); sys.stderr.close()
{RECORD}
record(3)
""")

    assert result.returncode == 0
    assert names(collector) == ["SELECT"] * 3


def test_nothing_is_warned_of(programs: Programs, collector: Collector) -> None:
    result = programs.run(
        f"{RECORD}\nrecord(3)\nconnection.close()\nimport gc; gc.collect()\n",
        env={"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"},
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert names(collector) == ["SELECT"] * 3
    assert sys.version_info >= (3, 10)


@pytest.mark.parametrize("is_sent", [True, False])
def test_what_waits_at_a_fork_arrives_though_nothing_is_recorded_after_it(
    programs: Programs, collector: Collector, *, is_sent: bool
) -> None:
    process = programs.start(
        f"""{RECORD}
record(3)
sys.stdin.readline()
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
""",
        env={"OTEL_BSP_SCHEDULE_DELAY": "1" if is_sent else "5000"},
        stdin=-1,
    )
    if is_sent:  # but not the points, for which there is another timer
        collector.wait_for(lambda one: len(one.spans()) == 3)
    stdout, stderr = process.communicate("\n", timeout=60)

    assert (process.returncode, stdout, without_introduction(stderr)) == (0, "", "")
    assert names(collector) == ["SELECT"] * 3
    assert [metric.points[0].count for metric in collector.metrics()] == [3]
