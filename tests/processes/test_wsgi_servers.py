"""Servers of WSGI of several processes: each request's span arrives, once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from processes.server import FLASK, Server, check_arrival, running

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

ROUTE = "GET /items/<int:item>"
GUNICORN = ("gunicorn", "--workers", "2", "--bind", "127.0.0.1:0", "shop:app")
UWSGI = (
    *("uwsgi", "--master", "--processes", "2", "--die-on-term", "--need-app"),
    *("--http-socket", "127.0.0.1:0", "--virtualenv", sys.prefix, "--module", "shop:app"),
)
# Those of each request; granian does not tell the client's port.
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
        ["--worker-class", "gevent"],
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


def test_every_request_of_gunicorn_s_workers_that_are_replaced_arrives_once(
    programs: Programs, collector: Collector
) -> None:
    with running(programs, [*GUNICORN, "--max-requests", "5"]) as server:
        ask_processes(server, 6)
        server.end()

    check_arrival(collector, server, ROUTE, "gunicorn")


@pytest.mark.parametrize(
    "options", [[], ["--enable-threads"], ["--lazy-apps"], ["--max-requests", "20"]], ids=" ".join
)
def test_every_request_of_an_application_under_uwsgi_arrives_once(
    programs: Programs, collector: Collector, options: list[str]
) -> None:
    with running(programs, [*UWSGI, *options]) as server:
        ask_processes(server, 4 if "--max-requests" in options else 2)
        # A worker that is busy leaves without the interpreter's end: each request has been logged.
        server.log.await_line("GET /items/7 => generated", len(server.served))
        server.end()

    check_arrival(collector, server, ROUTE, "flask")


def test_every_request_of_an_application_under_granian_arrives_once(
    programs: Programs, collector: Collector
) -> None:
    command = ["granian", "--interface", "wsgi", "--workers", "2", "--port", "{port}", "shop:app"]
    with running(programs, command) as server:
        ask_processes(server, 2)
        server.end()

    spans = check_arrival(collector, server, ROUTE, "flask")
    assert [span.attributes for span in spans] == [ATTRIBUTES] * len(spans)
