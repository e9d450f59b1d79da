"""Servers of ASGI as processes of their own, as they are started in earnest."""

from __future__ import annotations

import os
import signal
import sys
from http.client import HTTPConnection
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from contracts.origin import closed_port

if TYPE_CHECKING:
    import subprocess

    from collector import Collector
    from programs import Programs

APPLICATION = """
import os
from fastapi import FastAPI

app = FastAPI()

@app.get("/items/{item}")
async def read(item: int) -> int:
    return os.getpid()
"""
# The workers came out of uvicorn into a package of their own.
WORKER = "uvicorn_worker" if find_spec("uvicorn_worker") else "uvicorn.workers"
GUNICORN = ("gunicorn", "app:app", "-k", f"{WORKER}.UvicornWorker", "-b")
# The oldest libraries warn of what the newest Pythons deprecate, with us and without.
STRICT = ("-W", "error") if sys.version_info >= (3, 11) else ()
UVICORN = ("uvicorn", "app:app", "--port")

COMMANDS = {
    "uvicorn": [*UVICORN, "{port}"],
    "uvicorn, two workers": [*UVICORN, "{port}", "--workers", "2"],
    "uvicorn, reloading": [*UVICORN, "{port}", "--reload"],
    "gunicorn": [*GUNICORN, "127.0.0.1:{port}"],
    "gunicorn, two workers": [*GUNICORN, "127.0.0.1:{port}", "-w", "2"],
    "gunicorn, preloaded": [*GUNICORN, "127.0.0.1:{port}", "--preload"],
    "hypercorn": ["hypercorn", "app:app", "-b", "127.0.0.1:{port}"],
    "hypercorn, two workers": ["hypercorn", "app:app", "-b", "127.0.0.1:{port}", "-w", "2"],
    "hypercorn on trio": ["hypercorn", "app:app", "-b", "127.0.0.1:{port}", "-k", "trio"],
}


OF_WSGI = """
import os
from flask import Flask

app = Flask("shop")

@app.route("/items/<int:item>")
def read(item: int) -> str:
    return str(os.getpid())
"""


def test_an_application_of_wsgi_is_one_span_with_its_route(
    programs: Programs, collector: Collector
) -> None:
    (programs.folder / "app.py").write_text(OF_WSGI)
    port = closed_port()
    command = [*UVICORN, str(port), "--interface", "wsgi", "--lifespan", "off"]
    process = programs.start(["-m", *command])
    served = [ask(process, port) for _ in range(2)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    collector.wait_for(lambda collector: len(requests(collector)) >= 2)
    assert served == [process.pid] * 2
    assert [(span.name, span.origin.scope) for span in requests(collector)] == [
        ("GET /items/<int:item>", "otel_run_instrumentors.uvicorn")
    ] * 2


@pytest.mark.parametrize("name", COMMANDS)
def test_each_request_is_one_span_of_the_process_that_served_it(
    programs: Programs, collector: Collector, name: str
) -> None:
    (programs.folder / "app.py").write_text(APPLICATION)
    port = closed_port()
    command = [word.format(port=port) for word in COMMANDS[name]]
    process = programs.start([*STRICT, "-m", *command], env={"OTEL_SERVICE_NAME": "shop"})
    served = [ask(process, port) for _ in range(4)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    collector.wait_for(lambda collector: len(requests(collector)) >= 4)
    found = requests(collector)
    assert sorted(span.origin.resource["process.pid"] for span in found) == sorted(served)
    assert {(span.name, span.origin.scope) for span in found} == {
        ("GET /items/{item}", f"otel_run_instrumentors.{command[0].replace('gunicorn', 'uvicorn')}")
    }
    assert {span.origin.resource["service.name"] for span in found} == {"shop"}
    assert process.pid not in served or "," not in name


def requests(collector: Collector) -> list[Any]:
    """The spans of requests that have arrived."""
    return [span for span in collector.spans() if span.kind == "server"]


def ask(process: subprocess.Popen[str], port: int) -> int:
    """Ask until the server is there; the pid of the process that answers."""
    until = monotonic() + 30
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", "/items/7")
            return int(connection.getresponse().read())
        except ConnectionError:
            assert process.poll() is None, process.communicate()
            assert monotonic() < until
            os.sched_yield()
        finally:
            connection.close()
