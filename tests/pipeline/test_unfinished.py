"""What is still open when the process ends is recorded with what is known of it by then."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.records import RECORD
from programs import without_introduction

if TYPE_CHECKING:
    from collector import Collector
    from otlp import Span
    from programs import Programs

# A request that is answered at once, and one that waits until `answer` is set.
SERVER = """
import http.client, os, signal, sys, threading
from flask import Flask
from werkzeug.serving import make_server, WSGIRequestHandler
class Handler(WSGIRequestHandler):
    def log(self, *_):
        pass
    def finish(self):
        super().finish()
        served.release()
app = Flask("shop")
served = threading.Semaphore(0)
arrived, answer, sent, done = (threading.Event() for _ in range(4))
@app.get("/quick")
def quick():
    return "done"
@app.get("/slow/<int:number>")
def slow(number):
    arrived.set()
    answer.wait()
    return "done"
server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
def get(path):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", path)
    sent.set()
    connection.getresponse().read()
    served.acquire()  # the server may end its span after the client
    done.set()
def get_in_thread(path):
    sent.clear()
    threading.Thread(target=get, args=(path,), daemon=True).start()
    arrived.wait()
    sent.wait()
"""


def summary(span: Span) -> tuple[Any, ...]:
    """What tells one span from the other."""
    incomplete = span.attributes.get("otel_run.incomplete", False)
    return span.kind, span.name, incomplete, span.status


def summaries(collector: Collector) -> list[tuple[Any, ...]]:
    return sorted(map(summary, collector.spans()))


def points(collector: Collector) -> dict[str, float]:
    """By metric, the points (or the value) that the last export counted."""
    return {
        metric.name: sum(point.count if point.value is None else point.value for point in points)
        for metric in collector.metrics()
        for points in [metric.points]
    }


OPEN = [
    ("client", "GET", True, "unset"),
    ("server", "GET /slow/<int:number>", True, "unset"),
]


def test_a_request_that_is_being_served_at_the_end_is_recorded_on_both_sides(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(f"{SERVER}\nget_in_thread('/slow/7?token=a')\nsys.exit(4)\n")

    assert (result.returncode, result.stderr) == (4, "")
    client, server = sorted(collector.spans(), key=lambda span: span.kind)
    port = client.attributes["server.port"]
    assert (server.trace_id, server.parent_id) == (client.trace_id, client.span_id)
    assert summaries(collector) == OPEN
    assert client.attributes == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.full": f"http://127.0.0.1:{port}/slow/7?token=REDACTED",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "otel_run.incomplete": True,
    }
    assert server.attributes == {
        "http.request.method": "GET",
        "http.route": "/slow/<int:number>",
        "url.scheme": "http",
        "url.path": "/slow/7",
        "url.query": "token=REDACTED",
        "server.address": "127.0.0.1",
        "server.port": port,
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": server.attributes["network.peer.port"],
        "network.protocol.version": "1.1",
        "otel_run.incomplete": True,
    }
    assert client.start < server.start < client.end
    assert server.start < server.end
    # No duration is known: they are in no histogram.
    assert points(collector) == {"http.server.active_requests": 1}


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("", 0),
        ("raise ValueError('broken')", 1),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(9)); signal.raise_signal(15)", 9),
    ],
)
def test_it_is_recorded_however_the_process_ends(
    programs: Programs, collector: Collector, ending: str, status: int
) -> None:
    result = programs.run(f"{SERVER}\nget('/quick')\nget_in_thread('/slow/7')\n{ending}\n")

    assert result.returncode == status
    finished = [("client", "GET", False, "unset"), ("server", "GET /quick", False, "unset")]
    assert summaries(collector) == sorted([*finished, *OPEN])


def test_the_first_call_of_all_is_recorded_while_it_hangs(
    programs: Programs, collector: Collector
) -> None:
    process = programs.start(
        """
import socket, threading, urllib.request
server = socket.create_server(("127.0.0.1", 0))
def accept():
    connection, _ = server.accept()
    connection.recv(1)
    print("ready", flush=True)
    threading.Event().wait()
threading.Thread(target=accept, daemon=True).start()
urllib.request.urlopen(f"http://127.0.0.1:{server.getsockname()[1]}/hangs")
""",
        env={"OTEL_METRICS_EXPORTER": "none"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)

    assert (process.returncode, without_introduction(stderr)) == (-signal.SIGTERM, "")
    assert summaries(collector) == OPEN[:1]


def test_what_a_task_awaits_is_recorded(programs: Programs, collector: Collector) -> None:
    result = programs.run("""
import asyncio, os, signal, aiosqlite, httpx
async def main():
    hanging = asyncio.Event()
    async def hang(reader, writer):
        hanging.set()
        await asyncio.sleep(3600)
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient() as client:
        task = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/", timeout=None))
        await hanging.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await task
asyncio.run(main())
""")

    assert (result.returncode, result.stderr) == (-signal.SIGTERM, "")
    assert summaries(collector) == OPEN[:1]


def test_a_response_that_nobody_read_to_its_end_is_recorded(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run("""
from flask import Flask, Response
from werkzeug.test import EnvironBuilder
app = Flask("shop")
@app.get("/stream")
def stream():
    return Response(part for part in "ab")
started = []
environ = {**EnvironBuilder("/stream").get_environ(), "REMOTE_ADDR": "127.0.0.1"}
response = app(environ, lambda status, *_: started.append(status))
print(next(iter(response)), started)
""")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "b'a' ['200 OK']\n"
    assert summaries(collector) == [("server", "GET /stream", True, "unset")]
    assert collector.spans()[0].attributes["http.response.status_code"] == 200


def test_a_request_whose_answer_nobody_has_asked_for_is_recorded(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run("""
import http.client, socket
server = socket.create_server(("127.0.0.1", 0))
connection = http.client.HTTPConnection("127.0.0.1", server.getsockname()[1])
connection.request("POST", "/", b"body")
""")

    assert (result.returncode, result.stderr) == (0, "")
    assert summaries(collector) == [("client", "POST", True, "unset")]


def test_what_ends_after_all_is_exported_once_and_counted(
    programs: Programs, collector: Collector
) -> None:
    """A program that chains our handler behind its own goes on after it."""
    result = programs.run(f"""{SERVER}
before = signal.getsignal(signal.SIGTERM)
def handle(number, frame):
    before(number, frame)
    before(number, frame)
    answer.set()
    done.wait()
signal.signal(signal.SIGTERM, handle)
get_in_thread("/slow/7")
os.kill(os.getpid(), signal.SIGTERM)
get("/quick")
""")

    assert (result.returncode, result.stderr) == (0, "")
    finished = [("client", "GET", False, "unset"), ("server", "GET /quick", False, "unset")]
    assert summaries(collector) == sorted([*finished, *OPEN])
    assert points(collector) == {
        "http.server.active_requests": 0,
        "http.server.request.duration": 2,
        "http.client.request.duration": 2,
    }


@pytest.mark.parametrize("ending", ["sys.exit(0)", "os.kill(os.getpid(), signal.SIGTERM)"])
def test_what_a_parent_has_open_is_the_parents_alone(
    programs: Programs, collector: Collector, ending: str
) -> None:
    result = programs.run(
        f"""{SERVER}
get_in_thread("/slow/7")
pid = os.fork()
if pid == 0:
    import sqlite3
    sqlite3.connect(":memory:").execute("SELECT 1")
    {ending}
os.waitpid(pid, 0)
""",
        env={"PYTHONWARNINGS": "ignore"},  # of a fork while there are threads
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert summaries(collector) == sorted([("client", "SELECT", False, "unset"), *OPEN])
    processes = {span.resource["process.pid"]: span.name for span in collector.spans()}
    assert len(processes) == 2


def test_what_is_not_sampled_is_not_recorded_open_either(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(
        f"{SERVER}\nget_in_thread('/slow/7')\n", env={"OTEL_TRACES_SAMPLER": "always_off"}
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert collector.spans() == []


def test_nobody_is_asked_where_nothing_has_begun(programs: Programs) -> None:
    result = programs.run(f"""{RECORD}
import gc
gc.get_referrers = None
""")

    assert (result.returncode, result.stderr) == (0, "")
