"""Servers of ASGI as they are started in earnest: each request's span arrives, once."""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from processes.server import FASTAPI, FLASK, check_arrival, running

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

ROUTE = "GET /items/{item}"
# The workers came out of uvicorn into a package of their own.
WORKER = "uvicorn_worker" if find_spec("uvicorn_worker") else "uvicorn.workers"
UVICORN = ("uvicorn", "shop:app", "--port", "{port}")
GUNICORN = ("gunicorn", "shop:app", "-k", f"{WORKER}.UvicornWorker", "-b", "127.0.0.1:0")
HYPERCORN = ("hypercorn", "shop:app", "-b", "127.0.0.1:0")
GRANIAN = ("granian", "shop:app", "--interface", "asgi", "--port", "{port}")
COMMANDS = {
    "uvicorn": UVICORN,
    "uvicorn, two workers": (*UVICORN, "--workers", "2"),
    "gunicorn": GUNICORN,
    "gunicorn, two workers": (*GUNICORN, "-w", "2"),
    "gunicorn, preloaded": (*GUNICORN, "--preload"),
    "gunicorn, replaced": (*GUNICORN, "-w", "2", "--max-requests", "5"),
    "hypercorn": HYPERCORN,
    "hypercorn, two workers": (*HYPERCORN, "-w", "2"),
    "hypercorn on trio": (*HYPERCORN, "-k", "trio"),
    "granian, two workers": (*GRANIAN, "--workers", "2"),
}
if find_spec("gunicorn.workers.gasgi"):  # newer versions have a worker of their own
    COMMANDS["gunicorn alone, two workers"] = (
        *("gunicorn", "shop:app", "-k", "asgi", "-b", "127.0.0.1:0", "-w", "2"),
    )
# How many processes serve, where it is not one.
PROCESSES = {"two workers": 2, "replaced": 4}
LIBRARIES = {"gunicorn": "uvicorn", "granian": "starlette"}
# The oldest libraries warn of what the newest Pythons deprecate, with us and without.
STRICT = {"PYTHONWARNINGS": "error"} if sys.version_info >= (3, 11) else {}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_request_is_one_span_of_the_process_that_served_it(
    programs: Programs, collector: Collector, name: str
) -> None:
    (programs.folder / "shop.py").write_text(FASTAPI)
    server_name, _, kind = name.partition(", ")
    with running(programs, COMMANDS[name], STRICT) as server:
        while len(server.pids) < PROCESSES.get(kind, 1) or len(server.served) < 4:
            server.ask_at_once(8)
        server.end()

    library = LIBRARIES.get(server_name, server_name.partition(" ")[0])
    check_arrival(collector, server, ROUTE, library)
    if kind:
        assert server.process.pid not in server.pids


@pytest.mark.parametrize("name", ["uvicorn, two workers", "hypercorn, two workers"])
def test_each_request_is_one_span_though_ctrl_c_ends_all_processes_at_once(
    programs: Programs, collector: Collector, name: str
) -> None:
    (programs.folder / "shop.py").write_text(FASTAPI)
    with running(programs, COMMANDS[name], STRICT) as server:
        while len(server.pids) < 2:
            server.ask_at_once(8)
        server.end(signal.SIGINT)

    check_arrival(collector, server, ROUTE, name.partition(",")[0])


def test_an_application_of_wsgi_is_one_span_with_its_route(
    programs: Programs, collector: Collector
) -> None:
    (programs.folder / "shop.py").write_text(FLASK)
    command = (*UVICORN, "--interface", "wsgi", "--lifespan", "off")
    with running(programs, command, STRICT) as server:
        server.ask_at_once(4)
        server.end()

    check_arrival(collector, server, "GET /items/<int:item>", "uvicorn")
