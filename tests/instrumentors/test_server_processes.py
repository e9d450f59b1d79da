"""Servers with several processes, started as their users start them: each request's span arrives."""

from __future__ import annotations

import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
LISTENING = re.compile(r"Listening at: http://([\d.]+):(\d+)")


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
    process = programs.start(command, env={"PYTHONWARNINGS": None})
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
    (programs.folder / "shop.py").write_text(FLASK)
    workers = ["-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:0", *options, "shop:app"]
    process_of: dict[str, str] = {}
    with running(programs, workers) as address:
        while len(set(process_of.values())) < 2:
            process_of.update(served(address, 16))

    spans = collector.spans()
    instances = {
        (process_of[span.trace_id], span.resource["service.instance.id"]) for span in spans
    }
    assert sorted(span.trace_id for span in spans) == sorted(process_of)
    assert {span.name for span in spans} == {"GET /items/<int:item>"}
    assert {span.scope for span in spans} == {"otel_run_instrumentors.gunicorn"}
    assert {pid for pid, _ in instances} == set(process_of.values())
    assert len({instance for _, instance in instances}) == len(instances) == 2
