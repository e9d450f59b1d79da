"""Servers of several processes, started as by their users: each request's span arrives."""

from __future__ import annotations

import re
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

from contracts.wire import answer_to, request_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen

    from collector import Collector
    from programs import Programs

FLASK = """
import os, flask
app = flask.Flask("shop")

@app.route("/items/<int:item>")
def show_item(item):
    return f"served by {os.getpid()}"
"""
# What Gunicorn and uWSGI say of where they listen.
LISTENING = re.compile(r"(?:Listening at: http://|bound to TCP address )([\d.]+):(\d+)")


class Log:
    """What a process writes, line by line, until its end."""

    def __init__(self, process: Popen[str]) -> None:
        self.lines: list[str] = []
        self.grown = threading.Condition()
        self.ended = False
        self.thread = threading.Thread(target=self.read, args=(process,))
        self.thread.start()

    def read(self, process: Popen[str]) -> None:
        """Take line by line."""
        assert process.stderr is not None
        for line in process.stderr:
            with self.grown:
                self.lines.append(line)
                self.grown.notify_all()
        with self.grown:
            self.ended = True
            self.grown.notify_all()

    def find(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Wait for a line."""
        with self.grown:
            self.grown.wait_for(lambda: self.ended or pattern.search(str(self)), 30)
        found = pattern.search(str(self))
        assert found is not None, str(self)
        return found

    def __str__(self) -> str:
        return "".join(self.lines)


@contextmanager
def running(programs: Programs, command: list[str]) -> Iterator[tuple[str, int]]:
    """Run a server; at the end of the `with` statement it is asked to end, and does."""
    process = programs.start(["-m", "otel_run_bootstrap", *command], launcher=False)
    log = Log(process)
    try:
        host, port = log.find(LISTENING).groups()
        yield host, int(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, str(log)
    finally:
        process.kill()
        log.thread.join()
    assert "internal error" not in str(log), str(log)


def served(address: tuple[str, int], count: int) -> dict[str, str]:
    """Send requests at once, each in a trace of its own; which process has served which trace."""

    def ask(trace_id: str) -> tuple[str, str]:
        traceparent = f"00-{trace_id}-{token_hex(8)}-01"
        answer = answer_to(address, request_bytes("/items/7", traceparent=traceparent))
        return trace_id, answer.decode().rpartition(" ")[2]

    with ThreadPoolExecutor(count) as pool:
        return dict(pool.map(ask, [token_hex(16) for _ in range(count)]))


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
    workers = ["gunicorn", "--workers", "2", "--bind", "127.0.0.1:0", *options, "shop:app"]
    check_workers(programs, collector, workers, "gunicorn")


@pytest.mark.parametrize("options", [[], ["--enable-threads"], ["--lazy-apps"]], ids=" ".join)
def test_every_request_of_an_application_under_uwsgi_arrives_once(
    programs: Programs, collector: Collector, options: list[str]
) -> None:
    workers = ["uwsgi", "--master", "--processes", "2", "--die-on-term", "--need-app", *options]
    where = ["--http-socket", "127.0.0.1:0", "--virtualenv", sys.prefix, "--module", "shop:app"]
    # It leaves a worker that is busy without the interpreter's end.
    check_workers(programs, collector, [*workers, *where], "flask", ends_as_python=False)


def check_workers(
    programs: Programs,
    collector: Collector,
    command: list[str],
    library: str,
    *,
    ends_as_python: bool = True,
) -> None:
    """Have two processes serve requests, and find each one's span."""
    (programs.folder / "shop.py").write_text(FLASK)
    executable = str(Path(sys.executable).with_name(command[0]))
    process_of: dict[str, str] = {}
    with running(programs, [executable, *command[1:]]) as address:
        while len(set(process_of.values())) < 2:
            process_of.update(served(address, 16))
        if not ends_as_python:
            collector.wait_for(lambda received: len(received.spans()) >= len(process_of))

    spans = collector.spans()
    instances = {
        (process_of[span.trace_id], span.resource["service.instance.id"]) for span in spans
    }
    assert sorted(span.trace_id for span in spans) == sorted(process_of)
    assert {span.name for span in spans} == {"GET /items/<int:item>"}
    assert {span.scope for span in spans} == {f"otel_run_instrumentors.{library}"}
    assert {pid for pid, _ in instances} == set(process_of.values())
    assert len({instance for _, instance in instances}) == len(instances) == 2
