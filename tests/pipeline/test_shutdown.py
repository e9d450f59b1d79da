"""The end of a process, when the collector is slow and somebody is in a hurry."""

from __future__ import annotations

import math
import signal
from typing import TYPE_CHECKING

import pytest

from collector import Answer
from pipeline.records import RECORD
from programs import without_introduction

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

NEVER = Answer(delay=math.inf)


def test_a_request_that_is_stuck_at_the_end_is_sent_again_in_the_time_that_is_left(
    programs: Programs, collector: Collector
) -> None:
    collector.script(NEVER)
    process = programs.start(
        f"{RECORD}\nrecord(1)\nsys.stdin.read(1)\nrecord(2)\n",
        env={"OTEL_BSP_SCHEDULE_DELAY": "10"},
        stdin=-1,
    )
    collector.wait_for(lambda one: one.requests)
    collector.requests.clear()  # what was never answered did not arrive
    stdout, stderr = process.communicate("\n", timeout=30)

    assert (process.returncode, stdout, without_introduction(stderr)) == (0, "", "")
    assert len(collector.spans()) == 3
    assert [metric.points[0].count for metric in collector.metrics()] == [3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_already_waits_at_its_end_can_be_told_to_hurry(
    programs: Programs, collector: Collector, number: signal.Signals
) -> None:
    collector.script(*[NEVER] * 10)
    process = programs.start(
        f"{RECORD}\nrecord(1)\nsys.stdin.read(1)\nprint('bye', flush=True)\n", stdin=-1
    )
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    collector.wait_for(lambda one: one.requests)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)

    # Python survives a Ctrl-C in a function that it calls at exit.
    assert process.returncode == {signal.SIGTERM: -signal.SIGTERM, signal.SIGINT: 0}[number]
    assert stdout == "bye\n"
    assert "Traceback" not in stderr
    assert len(without_introduction(stderr).splitlines()) <= 1


def test_a_process_that_is_told_to_end_again_ends_what_it_is_about(
    programs: Programs, collector: Collector
) -> None:
    """A server's parent does so with its workers, when it is told and again at its own end."""
    collector.script(Answer(delay=0.3))
    process = programs.start(
        f"{RECORD}\nrecord(1)\nprint('ready', flush=True)\nwhile True:\n    time.sleep(0.01)\n"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    collector.wait_for(lambda one: one.requests)
    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == -signal.SIGTERM
    assert len(collector.spans()) == 1
    assert [metric.points[0].count for metric in collector.metrics()] == [1]


def test_a_handler_that_records_wherever_it_interrupts_never_hangs(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(
        f"""{RECORD}
import signal
mine = sqlite3.connect(":memory:")
handled = 0
def handle(*_):
    global handled
    handled += 1
    try:
        mine.execute("SELECT missing")
    except sqlite3.OperationalError:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0002)
for _ in range(200):
    for _ in range(20):
        try:
            cursor.execute("SELECT missing")
        except sqlite3.OperationalError:
            pass
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
signal.setitimer(signal.ITIMER_REAL, 0)
print(4000 + handled)
""",
        # Recording just after a fork starts the thread again, before Python 3.13 counts threads.
        env={
            "OTEL_BSP_SCHEDULE_DELAY": "1",
            "OTEL_TRACES_EXPORTER": "none",
            "PYTHONWARNINGS": "ignore",
        },
        timeout=60,
    )

    assert (result.returncode, result.stderr) == (0, "")
    last = collector.metrics()[-1]
    assert sum(point.count for point in last.points) == int(result.stdout)


def test_threads_may_fork_at_the_same_time(programs: Programs, collector: Collector) -> None:
    result = programs.run(
        f"""{RECORD}
def fork(results):
    mine = sqlite3.connect(":memory:").cursor()
    for _ in range(50):
        mine.execute("SELECT 2")
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        results.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
results = []
threads = [threading.Thread(target=fork, args=(results,)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(results == [0] * 200)
""",
        env={"OTEL_BSP_SCHEDULE_DELAY": "1", "PYTHONWARNINGS": "ignore"},
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "True\n", "")
    assert [span.name for span in collector.spans()] == ["SELECT"] * 200


def test_a_burst_arrives_whole(programs: Programs, collector: Collector) -> None:
    result = programs.run(f"{RECORD}\nrecord(20_000)\n")

    assert (result.returncode, result.stderr) == (0, "")
    requests = collector.received("/v1/traces")
    ids = {
        span.span_id
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    assert len(ids) == 20_000


def test_sending_over_plain_http_brings_no_module_into_the_program_but_builtin_ones(
    programs: Programs, collector: Collector
) -> None:
    program = f"""{RECORD}
before = set(sys.modules)
record(1)
deadline = time.monotonic() + 20
while "_socket" not in sys.modules and time.monotonic() < deadline:
    time.sleep(0.01)
sys.stdin.read(1)
new = {{name for name in set(sys.modules) - before if not name.startswith("otel_run")}}
print(*sorted(name for name in new if getattr(sys.modules[name], "__file__", "").endswith(".py")))
"""
    process = programs.start(program, env={"OTEL_BSP_SCHEDULE_DELAY": "10"}, stdin=-1)
    collector.wait_for(lambda one: one.spans())

    stdout, stderr = process.communicate("\n", timeout=30)

    assert (stdout, without_introduction(stderr)) == ("\n", "")


def test_what_was_lost_since_the_last_line_is_told_at_the_end(
    programs: Programs, collector: Collector
) -> None:
    collector.script(*[Answer(503)] * 50)
    process = programs.start(
        f"{RECORD}\nrecord(1)\nsys.stdin.read(1)\nrecord(100)\n",
        env={"OTEL_BSP_SCHEDULE_DELAY": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10"},
        stdin=-1,
    )
    assert process.stderr is not None
    process.stderr.readline()  # the introduction
    first = process.stderr.readline()
    _, stderr = process.communicate("\n", timeout=30)

    traces, metrics = (
        f"cannot send {signal} to {collector.endpoint}/v1/{signal}: HTTP 503"
        for signal in ("traces", "metrics")
    )
    assert first == f"otel-run: {traces}; trying again\n"
    assert stderr == (
        f"otel-run: {traces}; 101 spans dropped so far; {metrics}; 1 metric export dropped so far\n"
    )
