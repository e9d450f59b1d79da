"""Servers of WSGI of several processes: each request's span arrives, once."""

from __future__ import annotations

import math
import signal
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from collector import Answer
from processes.log import PATIENCE
from processes.server import FLASK, Server, check_arrival, running

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

ROUTE = "GET /items/<int:item>"
GUNICORN = ("gunicorn", "--workers", "2", "--bind", "127.0.0.1:0", "shop:app")
WAITRESS = ("waitress-serve", "--listen", "127.0.0.1:{port}", "shop:app")
UWSGI = (
    *("uwsgi", "--master", "--processes", "2", "--die-on-term", "--need-app"),
    *("--http-socket", "127.0.0.1:0", "--virtualenv", sys.prefix, "--module", "shop:app"),
)
# Before 2.0.27, uWSGI has to be asked for them.
HAS_THREADS = tuple(map(int, version("uwsgi").split(".")[:3])) >= (2, 0, 27)
HOUR = "3600000"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "200"}
# Those of each request to granian.
ATTRIBUTES = {
    "client.address": "127.0.0.1",
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "http.route": "/items/<int:item>",
    "network.peer.address": "127.0.0.1",
    "network.protocol.version": "1.1",
    "server.address": "shop.example",
    "server.port": 8080,
    "url.path": "/items/7",
    "url.scheme": "http",
    "user_agent.original": "probe/1.0",
}


@pytest.fixture(autouse=True)
def _shop(programs: Programs) -> None:
    (programs.folder / "shop.py").write_text(FLASK)


def ask_processes(server: Server, count: int) -> None:
    """Ask until so many processes have served."""
    while len(server.pids) < count:
        server.ask_at_once(16)


@pytest.mark.parametrize(
    "options",
    [
        ["--worker-class", "sync"],
        ["--worker-class", "sync", "--preload"],
        ["--worker-class", "gthread", "--threads", "2"],
        ["--worker-class", "gthread", "--threads", "2", "--preload"],
        ["--worker-class", "gevent"],
        ["--worker-class", "gevent", "--preload"],
    ],
    ids=" ".join,
)
def test_every_request_of_gunicorn_s_workers_arrives_once(
    programs: Programs, collector: Collector, options: list[str]
) -> None:
    with running(programs, [*GUNICORN, *options]) as server:
        ask_processes(server, 2)
        server.end()

    check_arrival(collector, server, ROUTE, "gunicorn")


@pytest.mark.parametrize("options", [[], ["--worker-class", "gevent"]], ids=" ".join)
def test_every_request_of_gunicorn_s_workers_that_are_replaced_arrives_once(
    programs: Programs, collector: Collector, options: list[str]
) -> None:
    with running(programs, [*GUNICORN, "--max-requests", "5", *options]) as server:
        ask_processes(server, 6)
        server.end()

    check_arrival(collector, server, ROUTE, "gunicorn")


@pytest.mark.parametrize("command", [GUNICORN, WAITRESS], ids=lambda words: words[0])
def test_every_request_arrives_though_ctrl_c_ends_all_processes_at_once(
    programs: Programs, collector: Collector, command: tuple[str, ...]
) -> None:
    with running(programs, command) as server:
        ask_processes(server, 1 if command is WAITRESS else 2)
        server.end(signal.SIGINT)

    check_arrival(collector, server, ROUTE, "gunicorn" if command is GUNICORN else "waitress")


def test_every_request_of_waitress_s_threads_arrives_once(
    programs: Programs, collector: Collector
) -> None:
    with running(programs, WAITRESS) as server:
        server.ask_at_once(8)
        server.end()

    check_arrival(collector, server, ROUTE, "waitress")
    assert server.pids == {server.process.pid}


@pytest.mark.parametrize("options", [[], ["--enable-threads"], ["--lazy-apps"]], ids=" ".join)
def test_every_request_of_an_application_under_uwsgi_arrives_once(
    programs: Programs, collector: Collector, options: list[str]
) -> None:
    with running(programs, [*UWSGI, *options], SOON) as server:
        ask_processes(server, 2)
        await_arrival(collector, server)
        server.end()

    check_arrival(collector, server, ROUTE, "flask")


def test_every_request_of_uwsgi_s_workers_that_are_replaced_arrives_once(
    programs: Programs, collector: Collector
) -> None:
    options = ["--max-requests", "20", "--min-worker-lifetime", "1"]
    with running(programs, [*UWSGI, *options], SOON) as server:
        ask_processes(server, 4)
        # It is not asked to end: while it replaces a worker, its master forgets to.
        await_arrival(collector, server)

    check_arrival(collector, server, ROUTE, "flask")


def await_arrival(collector: Collector, server: Server) -> None:
    """Wait for all spans: a worker that is busy leaves without the interpreter's end.

    Where it runs no threads, the last spans come with another request.
    """
    until = time.monotonic() + PATIENCE
    while not arrived(collector, server):
        assert not HAS_THREADS, str(server.log)
        assert time.monotonic() < until, str(server.log)
        server.ask()


def arrived(collector: Collector, server: Server) -> bool:
    patience = PATIENCE if HAS_THREADS else 0.5
    try:
        collector.wait_for(lambda one: len(one.spans()) >= len(server.served), patience)
    except AssertionError:
        return False
    return True


@pytest.mark.skipif(HAS_THREADS, reason="between its requests, our thread runs")
def test_under_a_uwsgi_without_threads_a_request_sends_now_and_then(
    programs: Programs, collector: Collector
) -> None:
    command = [*UWSGI, "--processes", "1"]
    with running(programs, command, {"OTEL_BSP_SCHEDULE_DELAY": HOUR}) as server:
        server.ask()
        collector.wait_for(lambda one: len(one.spans()) == 1)
        for _ in range(20):
            server.ask()
        sent = len(collector.received("/v1/traces"))

    assert sent == 1


@pytest.mark.skipif(HAS_THREADS, reason="between its requests, our thread runs")
def test_under_a_uwsgi_without_threads_a_request_does_not_wait_for_a_slow_collector(
    programs: Programs, collector: Collector
) -> None:
    collector.script(Answer(delay=math.inf))
    with running(programs, UWSGI) as server:
        before = time.monotonic()
        server.ask()
        server.ask()
        waited = time.monotonic() - before

    assert waited < 5


def test_every_request_of_an_application_under_granian_arrives_once(
    programs: Programs, collector: Collector
) -> None:
    command = ["granian", "--interface", "wsgi", "--workers", "2", "--port", "{port}", "shop:app"]
    with running(programs, command) as server:
        ask_processes(server, 2)
        server.end()

    spans = check_arrival(collector, server, ROUTE, "flask")
    for span in spans:
        # Only older ones tell it.
        span.attributes.pop("network.peer.port", None)
        assert span.attributes == ATTRIBUTES
