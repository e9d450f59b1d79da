"""Servers that begin again when a file changes: what was served before and after it arrives."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING, NamedTuple

import pytest

from processes.server import FASTAPI, FLASK, Server, check_arrival, running

if TYPE_CHECKING:
    from pathlib import Path

    from collector import Collector
    from programs import Programs

DJANGO = """
import os, sys
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path

settings.configure(DEBUG=True, SECRET_KEY="of a test", ROOT_URLCONF=__name__, USE_TZ=True,
                   ALLOWED_HOSTS=["*"])

def show_item(request, item):
    return HttpResponse(str(os.getpid()))

urlpatterns = [path("items/<int:item>", show_item)]
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
"""
ROUTE = "GET /items/<int:item>"
# Older versions of Flask know no other way to name the application.
ENVIRONMENT = {"FLASK_APP": "shop", "OTEL_SERVICE_NAME": "shop"}
# Those that look for changes do so each second.
PATIENCE = 5.0  # s


class Reloader(NamedTuple):
    """How it is started, and what is written each time that it begins to serve."""

    command: tuple[str, ...]
    begins: str
    program: str = FLASK
    name: str = ROUTE
    library: str = ""


RELOADERS = {
    "flask": Reloader(
        ("flask", "run", "--reload", "--port", "{port}"), "Restarting with", library="werkzeug"
    ),
    "django": Reloader(
        ("python", "shop.py", "runserver", "{port}"),
        "Watching for file changes",
        DJANGO,
        library="wsgiref",
    ),
    "gunicorn": Reloader(
        ("gunicorn", "--reload", "--bind", "127.0.0.1:0", "shop:app"), "Booting worker"
    ),
    "uvicorn": Reloader(
        ("uvicorn", "shop:app", "--reload", "--port", "{port}"),
        "Started server process",
        FASTAPI,
        "GET /items/{item}",
    ),
    "hypercorn": Reloader(
        ("hypercorn", "shop:app", "--reload", "--bind", "127.0.0.1:0"),
        "Running on",
        FASTAPI,
        "GET /items/{item}",
    ),
}


def begin_again(server: Server, begins: str, file: Path) -> None:
    """Change the file, as often as it takes: at first nobody may look yet."""
    server.log.await_line(begins)
    changed = file.stat().st_mtime
    has_begun = False
    while not has_begun:
        changed += 1
        os.utime(file, (changed, changed))
        has_begun = server.log.has(begins, 2, PATIENCE)
        assert server.process.poll() is None, str(server.log)


def serve_twice(server: Server, begins: str, file: Path) -> None:
    """Have requests served by a process, and by the one that comes after it."""
    for _ in range(3):
        server.ask()
    begin_again(server, begins, file)
    for _ in range(3):
        server.ask()
    # As by Ctrl-C; by SIGTERM some kill their child at once.
    server.end(signal.SIGINT)


@pytest.mark.parametrize("name", RELOADERS)
def test_what_is_served_before_and_after_a_change_arrives_once(
    programs: Programs, collector: Collector, name: str
) -> None:
    reloader = RELOADERS[name]
    file = programs.folder / "shop.py"
    file.write_text(reloader.program)
    with running(programs, reloader.command, ENVIRONMENT) as server:
        serve_twice(server, reloader.begins, file)

    check_arrival(collector, server, reloader.name, reloader.library or name)
    assert len(server.pids) == 2
    assert server.process.pid not in server.pids


@pytest.mark.parametrize("name", ["flask", "django"])
def test_the_lines_at_the_end_come_once_and_count_all(programs: Programs, name: str) -> None:
    reloader = RELOADERS[name]
    file = programs.folder / "shop.py"
    file.write_text(reloader.program)
    env = {**ENVIRONMENT, "OTEL_EXPORTER_OTLP_ENDPOINT": None, "OTEL_RUN_SUMMARY": "true"}
    with running(programs, reloader.command, env) as server:
        serve_twice(server, reloader.begins, file)
    said = re.findall("otel-run: (.*)", str(server.log))

    # Their traces have begun with the client.
    counts = "0 traces, 6 spans, 0 errors, from 2 processes"
    assert said[1:] == [counts, "see more: otel-run show"]
    assert said[0].endswith("traces and metrics to the local store")
