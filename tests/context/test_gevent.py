"""Greenlets work under the span in which they were started, monkey-patched or not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from served import parents

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

TESTS = str(Path(__file__).parents[1])

NOT_PATCHED = ""
# As most programs have it, and as those that are too late: the agent has patched SQLite by then.
PATCHED_FIRST = "from gevent import monkey; monkey.patch_all()\n"
PATCHED_LATER = "import sqlite3, threading, concurrent.futures.thread\n" + PATCHED_FIRST

GREENLETS = """
import contextvars, gevent
from gevent.pool import Group, Pool
from served import ask, serve

OWN = contextvars.ContextVar("OWN", default="nothing")

def work():
    OWN.set("the request's")
    print({gevent.spawn(OWN.get).get()})
    pool = Pool(2)
    gevent.joinall([
        gevent.spawn(ask, "spawn"),
        gevent.spawn_later(0.001, ask, "spawn_later"),
        gevent.Greenlet.spawn(gevent.spawn, ask, "spawn_by_spawn"),
        pool.spawn(ask, "pool"),
    ])
    pool.map(ask, ["map_a", "map_b"])
    list(Group().imap_unordered(ask, ["imap"]))
    threads = gevent.get_hub().threadpool
    threads.apply(ask, ("threadpool",))
    threads.map(ask, ["threadpool_map"])
    threads.spawn(func=ask, name="threadpool_spawn").get()
    pool.join()
    ask("here")

serve("/", work)
gevent.spawn(ask, "no_spawn").join()
gevent.get_hub().threadpool.apply(ask, ("no_threadpool",))
"""

NAMES = [
    *("spawn", "spawn_later", "spawn_by_spawn", "pool", "map_a", "map_b", "imap"),
    *("threadpool", "threadpool_map", "threadpool_spawn", "here"),
]


@pytest.mark.parametrize("start", [NOT_PATCHED, PATCHED_FIRST, PATCHED_LATER])
def test_greenlets_and_gevent_s_threads(
    programs: Programs, collector: Collector, start: str
) -> None:
    result = programs.run(start + GREENLETS, env={"PYTHONPATH": TESTS})

    assert (result.returncode, result.stdout, result.stderr) == (0, "{'nothing'}\n", "")
    expected = {"/": "", "no_spawn": "", "no_threadpool": "", **dict.fromkeys(NAMES, "/")}
    assert parents(collector.spans()) == expected


THREADS = """
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
import gevent.threadpool
from served import ask, serve

def run(thread):
    thread.start()
    thread.join()

def work(number):
    run(threading.Thread(target=ask, args=(f"thread_{number}",)))
    run(threading.Timer(0, ask, (f"timer_{number}",)))
    list(executor.map(ask, [f"executor_{number}"]))
    native.submit(ask, f"native_{number}").result()
    pool.map(ask, [f"pool_{number}"])

with ThreadPoolExecutor(1) as executor, ThreadPool(1) as pool:
    with gevent.threadpool.ThreadPoolExecutor(1) as native:
        for number in range(2):
            serve(f"/{number}", lambda: work(number))
        work("none")
    pool.close()
    pool.join()
"""
KINDS = ("thread", "timer", "executor", "native", "pool")


@pytest.mark.parametrize("start", [NOT_PATCHED, PATCHED_FIRST, PATCHED_LATER])
def test_threads_of_a_program_with_gevent(
    programs: Programs, collector: Collector, start: str
) -> None:
    result = programs.run(start + THREADS, env={"PYTHONPATH": TESTS})

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    expected = {"/0": "", "/1": "", **{f"{kind}_none": "" for kind in KINDS}}
    for number in range(2):
        expected |= {f"{kind}_{number}": f"/{number}" for kind in KINDS}
    assert parents(collector.spans()) == expected


FAILING = """
from gevent import monkey; monkey.patch_all()
import gevent, sqlite3
from served import serve

def fail():
    raise LookupError("the program's")

def work():
    for start in (gevent.spawn, gevent.get_hub().threadpool.spawn):
        started = start(fail)
        started.wait() if hasattr(started, "wait") else started.join()
        print(repr(started.exception))

serve("/", work)
"""


def test_what_gevent_says_of_what_fails_is_what_it_would_say(programs: Programs) -> None:
    env = {"PYTHONPATH": TESTS}
    said = [programs.run(FAILING, env=env, launcher=launcher) for launcher in (True, False)]

    assert said[0].stdout == said[1].stdout == 'LookupError("the program\'s")\n' * 2
    failed = [
        re.findall(r"<.*failed with.*", re.sub("0x[0-9a-f]+", "", one.stderr)) for one in said
    ]
    assert failed[0] == failed[1]
    assert len(failed[0]) == 2


SWITCHED = """
import gevent, sqlite3
from otel_run.signals.context import CURRENT, Node
from otel_run_instrumentors.gevent import INSTRUMENTOR

node = Node(1, 2)
CURRENT.set(node)
carried = lambda: gevent.spawn(CURRENT.get).get() is node
print(carried(), INSTRUMENTOR.skipped)
INSTRUMENTOR.unpatch()
print(carried())
INSTRUMENTOR.patch("gevent.greenlet")
INSTRUMENTOR.patch("gevent.greenlet")
print(carried())
own = gevent.Greenlet(CURRENT.get)
own.gr_context = __import__("contextvars").Context()
own.start()
print(own.get())
"""


def test_what_listens_can_be_turned_off_and_leaves_contexts_of_the_program_alone(
    programs: Programs,
) -> None:
    result = programs.run(SWITCHED)

    assert (result.stdout, result.stderr) == ("True {}\nFalse\nTrue\nNone\n", "")


SERVER = """
from gevent import monkey; monkey.patch_all()
import gevent, requests
from gevent.pywsgi import WSGIServer
from flask import Flask
from served import ask

application = Flask("shop")

@application.get("/inner/<name>")
def inner(name):
    ask(f"asked_by_{name}")
    return name

@application.get("/outer/<name>")
def outer(name):
    url = f"http://127.0.0.1:{server.server_port}/inner/{name}"
    jobs = [gevent.spawn(requests.get, url, timeout=30) for _ in range(2)]
    gevent.joinall(jobs)
    return ",".join(job.get().text for job in jobs)

server = WSGIServer(("127.0.0.1", 0), application, log=None)
server.start()
answers = [
    gevent.spawn(requests.get, f"http://127.0.0.1:{server.server_port}/outer/{name}", timeout=30)
    for name in ("a", "b", "c")
]
gevent.joinall(answers)
print(*(answer.get().text for answer in answers))
server.stop()
"""


def test_requests_served_at_the_same_time_keep_apart(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(SERVER, env={"PYTHONPATH": TESTS})

    assert (result.returncode, result.stdout, result.stderr) == (0, "a,a b,b c,c\n", "")
    spans = {span.span_id: span for span in collector.spans()}
    assert len(spans) == 3 * (2 + 2 * 3)
    assert len({span.trace_id for span in spans.values()}) == 3
    for span in spans.values():
        above = spans.get(span.parent_id)
        above_that = above and (above.kind, above.attributes.get("http.route"))
        query = span.attributes.get("db.query.text")
        if query or (span.kind == "client" and above):
            assert above_that == ("server", "/inner/<name>" if query else "/outer/<name>")
        elif span.kind == "server":
            assert above_that == ("client", None)
