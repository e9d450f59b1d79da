"""Programs that fork, become daemons, and close what they find: nothing of theirs is touched."""

from __future__ import annotations

import math
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from collector import Answer
from contracts.origin import Origin
from otel_run_viewer.run import read_run
from processes.arrived import ENV, landed, processes
from programs import without_introduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector import Collector
    from programs import Programs


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Whom processes ask."""
    with Origin() as origin:
        yield origin


SOON = {**ENV, "OTEL_BSP_SCHEDULE_DELAY": "10"}

# Python's own, and one that skips its hooks.
FORKS = {"Python's": "os.fork", "C's": "ctypes.PyDLL(None).fork"}
by_each_fork = pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
# C's forgets the other threads, but not what they have asked for. Without metrics there is none.
LONE = {**ENV, "OTEL_METRICS_EXPORTER": "none"}

FORK = """
import ctypes, os, sqlite3, sys
from served import ask, serve

def fork(parent, child):
    pid = eval(sys.argv[1])()
    if pid:
        os.waitpid(pid, 0)
        ask(parent)
    else:
        child()

def work():
    fork("parent", lambda: fork("child", lambda: ask("grandchild")))

# All three come back from it.
serve("/", work)
"""


@by_each_fork
def test_what_is_open_at_a_fork_is_a_remote_parent_in_the_child(
    programs: Programs, collector: Collector, fork: str
) -> None:
    result = programs.run(FORK, fork, env=LONE)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert landed(collector) == {"/": "", "parent": "/", "child": "/", "grandchild": "/"}
    assert processes(collector) == {
        frozenset({"/", "parent"}),
        frozenset({"child"}),
        frozenset({"grandchild"}),
    }
    # OTLP: 0x100 says that it is known whether the parent is remote, 0x200 that it is.
    remote = {span.attributes.get("db.query.text"): span.flags >> 8 for span in collector.spans()}
    assert remote["SELECT ? AS parent"] == 0b01
    assert remote["SELECT ? AS child"] == remote["SELECT ? AS grandchild"] == 0b11


HOOKLESS = """
import ctypes, os, sys
from flask import Flask

app = Flask("shop")
app.add_url_rule("/", view_func=lambda: "")
ancestor = {"traceparent": sys.argv[1]}
for _ in range(2):
    pid = ctypes.PyDLL(None).fork()
    if not pid:
        app.test_client().get("/", headers=ancestor)
        sys.exit()
    os.waitpid(pid, 0)
"""


def test_children_forked_behind_python_s_back_have_ids_of_their_own_in_one_trace(
    programs: Programs, collector: Collector
) -> None:
    trace_id, parent_id = "1" * 32, "2" * 16
    result = programs.run(HOOKLESS, f"00-{trace_id}-{parent_id}-01", env=ENV)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    spans = collector.spans()
    assert [(span.trace_id, span.parent_id) for span in spans] == [(trace_id, parent_id)] * 2
    for own in (
        {span.span_id for span in spans},
        {span.resource["process.pid"] for span in spans},
        {span.resource["service.instance.id"] for span in spans},
    ):
        assert len(own) == 2


IDLE = """
import ctypes, os, sys, time
from flask import Flask
from served import ask

app = Flask("shop")

@app.route("/")
def serve():
    pids.append(ctypes.PyDLL(None).fork())
    return ""

# Where it is not at rest, it may have asked for the interpreter, which the child would hand to it.
def thread_rests():
    before = look()
    time.sleep(0.05)
    return before == look() and "sleeping" in str(before)

def look():
    from otel_run.export.pipeline import PIPELINE
    with open(f"/proc/self/task/{PIPELINE._native_id or os.getpid()}/status") as lines:
        return [line for line in lines if line.startswith(("State", "voluntary"))]

pids = []
for number in range(3):
    ask(f"before_{number}")
while not thread_rests():
    pass
app.test_client().get("/")
begun = time.monotonic()
if all(pids):
    assert os.waitpid(pids[0], 0) == (pids[0], 0)
    assert time.monotonic() - begun < 2, "it has waited for a thread that it does not have"
"""


def test_a_child_that_records_nothing_sends_nothing_and_ends_at_once(
    programs: Programs, collector: Collector
) -> None:
    """What its parent has not sent yet is there, and what was open comes to an end."""
    result = programs.run(IDLE, env={**ENV, "OTEL_BSP_SCHEDULE_DELAY": "3600000"})

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert landed(collector) == {"/": "", "before_0": "", "before_1": "", "before_2": ""}


WITHIN = """
import ctypes, os, sys
import requests, urllib3
from requests.adapters import HTTPAdapter

class Forking(HTTPAdapter):
    def send(self, request, **settings):
        pid = eval(sys.argv[2])()
        if not pid:
            urllib3.PoolManager().request("GET", sys.argv[1] + "/child", timeout=30)
            sys.exit()
        os.waitpid(pid, 0)
        return super().send(request, **settings)

with requests.Session() as session:
    session.mount("http://", Forking())
    session.get(sys.argv[1] + "/parent", timeout=30)
"""


@by_each_fork
def test_a_call_of_the_child_is_no_part_of_the_parent_s(
    programs: Programs, collector: Collector, origin: Origin, fork: str
) -> None:
    result = programs.run(WITHIN, origin.url(""), fork, env=LONE)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    child, parent = sorted(collector.spans(), key=lambda span: str(span.attributes["url.full"]))
    assert child.attributes["url.full"] == origin.url("/child")
    assert parent.attributes["url.full"] == origin.url("/parent")
    assert (child.parent_id, parent.parent_id) == (parent.span_id, "")


MASKS = """
import os, signal, sqlite3

def mask():
    return sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

def fork():
    pid = os.fork()
    if not pid:
        os.write(1, f"child {mask()}\\n".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.write(1, f"parent {mask()}\\n".encode())

print(callable(signal.getsignal(signal.SIGTERM)), flush=True)
sqlite3.connect(":memory:").execute("SELECT 1")
fork()
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
fork()
"""


def test_signals_are_blocked_after_a_fork_as_they_were_before(programs: Programs) -> None:
    result = programs.run(MASKS)
    blocked = "[<Signals.SIGTERM: 15>]"
    lines = ["True", "child []", "parent []", f"child {blocked}", f"parent {blocked}"]

    assert (result.stdout.splitlines(), result.stderr) == (lines, "")


# Daemons.

DAEMON = """
import os, sys, time
from served import ask

def detach():
    if os.fork():
        sys.exit()
    os.setsid()
    if os.fork():
        os._exit(0)

def reopen():
    os.closerange(0, 4096)
    for _ in range(3):
        os.open("/dev/null", os.O_RDWR)

def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)

# What has not been answered when the connection is closed is sent again.
def wait_for_answer():
    from otel_run.export.pipeline import PIPELINE
    collector = next(one for one in PIPELINE.worker.destinations if hasattr(one, "_outboxes"))
    while not all(outbox.is_empty for outbox in collector._outboxes.values()):
        time.sleep(0.01)

ask("before")
detach()
if sys.argv[1] == "recording":
    ask("meanwhile")
    wait_for("meanwhile")
    wait_for_answer()
reopen()
own = [os.open(f"own_{number}", os.O_CREAT | os.O_RDWR) for number in range(400)]
for number in own:
    os.write(number, b"own")
ask("after")
wait_for("after")
ask("last")
wait_for("last")
for number in own:
    assert os.pread(number, 100, 0) == b"own"
open("done", "w").close()
"""
# Beside the collector the store: a file that is to be opened again, too.
TWICE = {"OTEL_TRACES_EXPORTER": "otlp,local"}


@pytest.mark.parametrize("how", ["silent", "recording"])
def test_a_daemon_that_closes_all_it_finds_goes_on_recording(
    programs: Programs, collector: Collector, how: str
) -> None:
    process = programs.start(DAEMON, how, env={**SOON, **TWICE})
    for name in ["meanwhile"] * (how == "recording") + ["after", "last"]:
        collector.wait_for(lambda one, name=name: name in landed(one))  # type: ignore[misc]
        (programs.folder / name).touch()
    await_file(programs, "done")

    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, without_introduction(stderr)) == (0, "")
    meanwhile = {"meanwhile"} if how == "recording" else set()
    recorded = [{"before"}, {*meanwhile, "after", "last"}]
    assert landed(collector) == dict.fromkeys(set[str]().union(*recorded), "")
    assert processes(collector) == set(map(frozenset, recorded))
    (run,) = (programs.folder / "store" / "runs").iterdir()
    stored = read_run(run)
    assert stored.complaints == []
    assert {span.span_id for span in stored.spans} == {one.span_id for one in collector.spans()}
    assert len(stored.spans) == len(collector.spans())


def await_file(programs: Programs, name: str) -> None:
    """Wait until a program has made a file."""
    until = monotonic() + 30
    while not (programs.folder / name).exists():
        assert monotonic() < until
        sleep(0.01)


PACKAGED = """
import os, sys, time
import daemon
from served import ask

with daemon.DaemonContext(working_directory="."):
    ask("after")
    open("done", "w").close()
"""


def test_python_daemon_s_daemons_are_recorded(programs: Programs, collector: Collector) -> None:
    process = programs.start(PACKAGED, env=SOON)
    collector.wait_for(lambda one: "after" in landed(one))
    await_file(programs, "done")

    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, without_introduction(stderr)) == (0, "")
    assert landed(collector) == {"after": ""}


LEAVING = """
import os, sqlite3
from served import ask

def detach():
    if os.fork():
        os._exit(0)

ask("first")
ask("second")
detach()
os.setsid()
ask("midway")
detach()
ask("daemon")
print(os.getpid(), flush=True)
"""


def test_who_leaves_once_he_has_started_a_daemon_has_stored_what_he_recorded(
    programs: Programs,
) -> None:
    env = {**ENV, "OTEL_EXPORTER_OTLP_ENDPOINT": None, "OTEL_BSP_SCHEDULE_DELAY": "3600000"}
    process = programs.start(LEAVING, env=env)
    # The daemon is the last one that holds its output.
    stdout, stderr = process.communicate(timeout=60)

    (run,) = (programs.folder / "store" / "runs").iterdir()
    stored = read_run(run)
    assert (stored.complaints, without_introduction(stderr)) == ([], "")
    pids: dict[object, set[str]] = {}
    for span in stored.spans:
        asked = str(span.attributes["db.query.text"]).rpartition(" AS ")[2]
        pids.setdefault(span.resource.attributes["process.pid"], set()).add(asked)
    assert len(stored.spans) == 4
    assert pids.pop(process.pid) == {"first", "second"}
    assert pids.pop(int(stdout)) == {"daemon"}
    assert list(pids.values()) == [{"midway"}]


CLOSING = """
import os, socket, sys
from served import ask

ask("first")
sys.stdin.readline()
# The thread waits for its answer, on a socket that is closed, and that is somebody else's by then.
os.closerange(3, 4096)
pairs = [socket.socketpair() for _ in range(400)]
for one, other in pairs:
    other.send(b"own")
ask("second")
print("closed", flush=True)
sys.stdin.readline()
for one, other in pairs:
    assert os.get_blocking(one.fileno()) and os.get_blocking(other.fileno())
    assert one.recv(100) == b"own"
    one.setblocking(False)
    other.setblocking(False)
    for end in (one, other):
        try:
            assert not end.recv(100)
        except BlockingIOError:
            pass
print("whole", flush=True)
"""


def test_descriptors_that_have_become_the_program_s_are_left_alone(
    programs: Programs, collector: Collector
) -> None:
    collector.script(Answer(0, delay=math.inf))
    process = programs.start(CLOSING, env=SOON, stdin=-1)
    assert process.stdin is not None
    assert process.stdout is not None
    collector.wait_for(lambda one: one.requests)
    process.stdin.write("close\n")
    process.stdin.flush()
    assert process.stdout.readline() == "closed\n"
    collector.wait_for(lambda one: "second" in landed(one))
    stdout, stderr = process.communicate("look\n", timeout=60)

    assert (process.returncode, stdout) == (0, "whole\n")
    assert without_introduction(stderr) == (
        f"otel-run: cannot send traces to {collector.endpoint}/v1/traces: "
        "the program has closed the connection; trying again\n"
    )
    assert landed(collector) == {"first": "", "second": ""}


COMPLAINING = """
import os, sqlite3, sys

os.closerange(0, 3)
for name in ("in", "out", "own"):
    os.open(name, os.O_CREAT | os.O_RDWR)
sqlite3.connect(":memory:").execute("SELECT 1")
"""


def test_a_file_that_has_become_number_two_gets_none_of_our_lines(
    programs: Programs, collector: Collector
) -> None:
    collector.script(*[Answer(400)] * 5)
    process = programs.start(COMPLAINING, env={"OTEL_RUN_VERBOSITY": "0"})
    process.communicate(timeout=60)

    assert collector.requests
    assert process.returncode == 0
    assert [(programs.folder / name).read_bytes() for name in ("in", "out", "own")] == [b""] * 3
