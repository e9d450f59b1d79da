"""gevent and eventlet take Python's sockets, locks and threads over, before or after our start."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from bare_python import AUTOLOAD
from contracts.origin import Origin
from processes.arrived import ENV, landed
from served import parents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import trustme

    from collector import Collector
    from programs import Programs

# eventlet's own resolver imports what does not work under its patches.
GREEN = {**ENV, "EVENTLET_NO_GREENDNS": "yes"}
NOT_PATCHED = ""
PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()\n",
    "eventlet": "import eventlet; eventlet.monkey_patch()\n",
}


@pytest.fixture
def secure_origin(authority: trustme.CA) -> Iterator[Origin]:
    """A server that speaks https, as `localhost`."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with Origin(tls=tls) as origin:
        yield origin


CLIENTS = """
import http.client, ssl, sys, threading
import requests, urllib3
from served import ask, serve

port, authority = sys.argv[1:]
host = f"https://localhost:{port}"

def by_requests():
    return requests.get(host + "/requests", verify=authority, timeout=30).text

def by_urllib3():
    with urllib3.PoolManager(ca_certs=authority) as pool:
        return pool.request("GET", host + "/urllib3", timeout=30).data.decode()

def by_http_client():
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection("localhost", int(port), context=context, timeout=30)
    connection.request("GET", "/http.client")
    text = connection.getresponse().read().decode()
    connection.close()
    return text

def attempt(call):
    try:
        print(call())
    except Exception as error:
        print(type(error).__name__)

def work():
    ask("something")
    for call in (by_requests, by_urllib3, by_http_client):
        attempt(call)
        thread = threading.Thread(target=attempt, args=(call,))
        thread.start()
        thread.join()

serve("/", work)
"""


@pytest.fixture
def secure(secure_collector: Collector, certificate: Path) -> dict[str, str]:
    """Telemetry that is sent by https, too."""
    return {
        **GREEN,
        "OTEL_BSP_SCHEDULE_DELAY": "10",
        "OTEL_EXPORTER_OTLP_ENDPOINT": secure_collector.endpoint,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate),
    }


@pytest.fixture
def arguments(secure_origin: Origin, certificate: Path) -> tuple[str, str]:
    """What the clients' program is called with."""
    return str(secure_origin.port), str(certificate)


@pytest.mark.parametrize("library", PATCHES)
def test_https_goes_on_working_and_is_recorded(
    programs: Programs,
    secure_collector: Collector,
    secure_origin: Origin,
    arguments: tuple[str, str],
    secure: dict[str, str],
    library: str,
) -> None:
    result = programs.run(PATCHES[library] + CLIENTS, *arguments, env=secure)

    assert (result.returncode, result.stdout, result.stderr) == (0, "ok\n" * 6, "")
    assert len(secure_origin.received) == 6
    spans = secure_collector.spans()
    (request,) = (span for span in spans if span.kind == "server")
    assert {span.parent_id for span in spans if span is not request} == {request.span_id}
    urls = [str(span.attributes["url.full"]) for span in spans if "url.full" in span.attributes]
    names = ("http.client", "requests", "urllib3")
    assert sorted(urls) == [secure_origin.url(f"/{name}") for name in names for _ in "12"]


CHAINS = """
import os, sys
sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
del sys.modules["sitecustomize"]
import sitecustomize
"""


@pytest.mark.parametrize("library", PATCHES)
def test_https_goes_on_working_where_all_was_patched_before_our_start(
    programs: Programs,
    secure_collector: Collector,
    arguments: tuple[str, str],
    secure: dict[str, str],
    library: str,
) -> None:
    first = programs.folder / "first"
    first.mkdir()
    (first / "sitecustomize.py").write_text(PATCHES[library] + CHAINS)
    result = programs.run(
        CLIENTS,
        *arguments,
        env={**secure, "PYTHONPATH": f"{first}:{AUTOLOAD}:{ENV['PYTHONPATH']}"},
        launcher=False,
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "ok\n" * 6, "")
    spans = secure_collector.spans()
    assert sorted(span.kind for span in spans) == ["client"] * 7 + ["server"]
    assert len({span.trace_id for span in spans}) == 1


@pytest.mark.parametrize("library", PATCHES)
def test_a_program_that_patches_too_late_has_the_trouble_that_it_would_have(
    programs: Programs,
    secure_collector: Collector,
    arguments: tuple[str, str],
    secure: dict[str, str],
    library: str,
) -> None:
    program = "import requests, sqlite3\n" + PATCHES[library] + CLIENTS
    bare = programs.run(program, *arguments, env=secure, launcher=False)
    result = programs.run(program, *arguments, env=secure)

    assert (result.returncode, result.stdout, result.stderr) == (0, bare.stdout, bare.stderr)
    assert "RecursionError" in result.stdout
    spans = [span for span in secure_collector.spans() if "url.full" not in span.attributes]
    assert parents(spans) == {"/": "", "something": "/"}


EVENTLET = """
import contextvars, eventlet
from eventlet import tpool
from eventlet.event import Event
from served import ask, serve

OWN = contextvars.ContextVar("OWN", default="nothing")

def ask_n(name, event):
    event.send(ask(name))

def work():
    OWN.set("the request's")
    print(eventlet.spawn(OWN.get).wait())
    eventlet.spawn(ask, "spawn").wait()
    eventlet.spawn(lambda: eventlet.spawn(ask, "spawn_by_spawn").wait()).wait()
    eventlet.spawn_after(0.001, ask, "spawn_after").wait()
    event = Event()
    eventlet.spawn_n(ask_n, "spawn_n", event)
    event.wait()
    pool = eventlet.GreenPool(2)
    pool.spawn(ask, "pool").wait()
    pool.spawn_n(ask, "pool_n")
    list(pool.imap(ask, ["imap_a", "imap_b"]))
    pool.waitall()
    tpool.execute(ask, "tpool")
    ask("here")

serve("/", work)
eventlet.spawn(ask, "alone").wait()
tpool.execute(ask, "tpool_alone")
"""
NAMES = [
    *("spawn", "spawn_by_spawn", "spawn_after", "spawn_n", "pool", "pool_n"),
    *("imap_a", "imap_b", "tpool", "here"),
]


@pytest.mark.parametrize(
    "start", ["", PATCHES["eventlet"], "import sqlite3\n" + PATCHES["eventlet"]]
)
def test_green_threads_of_eventlet_go_on_from_where_they_were_started(
    programs: Programs, collector: Collector, start: str
) -> None:
    bare = programs.run(start + EVENTLET, env=GREEN, launcher=False)
    result = programs.run(start + EVENTLET, env=GREEN)

    assert (result.returncode, result.stdout, result.stderr) == (0, "nothing\n", bare.stderr)
    alone = {"/": "", "alone": "", "tpool_alone": ""}
    assert landed(collector) == {**alone, **dict.fromkeys(NAMES, "/")}


LOCKS = """
import sqlite3, threading
from otel_run.export.pipeline import PIPELINE
from otel_run.signals.metrics import METER

cursor = sqlite3.connect(":memory:").cursor()
cursor.execute("SELECT 1")
before = [id(PIPELINE._heavy_lock), id(PIPELINE.late._lock), *(id(one._lock) for one in METER)]
import eventlet; eventlet.monkey_patch()
after = [id(PIPELINE._heavy_lock), id(PIPELINE.late._lock), *(id(one._lock) for one in METER)]
print(before == after)
"""


def test_eventlet_finds_no_lock_of_ours(programs: Programs) -> None:
    result = programs.run(LOCKS, env=GREEN)

    assert (result.returncode, result.stdout, result.stderr) == (0, "True\n", "")


# gevent begins to listen for the end of children with the first, and may miss that one's: without
# the agent, 12 of 240 programs waited for ever.
LISTENING = {
    "gevent": "import gevent; gevent.get_hub().loop.install_sigchld()\n",
    "eventlet": "",
}
CHILDREN = """
import multiprocessing, os, time
from served import ask, serve

def wait(asked):
    ask("terminated")
    asked.set()
    time.sleep(60)

def run(process):
    process.start()
    process.join()
    print(process.exitcode)

def work():
    context = multiprocessing.get_context("fork")
    run(context.Process(target=ask, args=("process",)))
    asked = context.Event()
    process = context.Process(target=wait, args=(asked,))
    process.start()
    asked.wait()
    process.terminate()
    process.join()
    print(process.exitcode, flush=True)
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    ask("parent" if pid else "forked")

serve("/", work)
"""


@pytest.mark.parametrize("library", PATCHES)
def test_children_of_a_program_with_green_threads_are_recorded_as_any(
    programs: Programs, collector: Collector, library: str
) -> None:
    result = programs.run(PATCHES[library] + LISTENING[library] + CHILDREN, env=GREEN)

    assert (result.returncode, result.stdout, result.stderr) == (0, "0\n-15\n", "")
    children = dict.fromkeys(("process", "terminated", "forked", "parent"), "/")
    assert landed(collector) == {"/": "", **children}
