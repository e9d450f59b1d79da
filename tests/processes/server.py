"""Servers of one or more processes, started as by their users and asked by a client."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING

from closed_port import closed_port
from contracts.wire import answer_to, request_bytes
from processes.log import PATIENCE, Log
from programs import INTERNAL_ERROR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from subprocess import Popen

    from collector import Collector
    from otlp import Span
    from programs import Programs

FLASK = """
import os, flask
app = flask.Flask("shop")

@app.route("/items/<int:item>")
def show_item(item):
    return str(os.getpid())
"""
FASTAPI = """
import os
from fastapi import FastAPI

app = FastAPI()

@app.get("/items/{item}")
async def read(item: int) -> int:
    return os.getpid()
"""
# What is said of where a server listens: Gunicorn, uWSGI, uvicorn and Hypercorn, Flask.
LISTENING = r"(?:Listening at: |bound to TCP address |[Rr]unning on )(?:http://)?([\d.]+):(\d+)"
# From the oldest on, some end by the signal that they have handled.
ENDINGS = (0, -signal.SIGTERM)


class Server:
    """`served` says which process has served which trace."""

    def __init__(self, process: Popen[str], port: int | None) -> None:
        self.process = process
        self.log = Log(process)
        self.known_port = port
        self.served: dict[str, int] = {}

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        if self.known_port is None:
            self.known_port = int(self.log.await_line(LISTENING)[2])
        return "127.0.0.1", self.known_port

    @property
    def pids(self) -> set[int]:
        """The processes that have served."""
        return set(self.served.values())

    def ask(self) -> int:
        """Have a request served, in a trace of its own; return the process that has done it."""
        until = time.monotonic() + PATIENCE
        while True:
            trace_id = token_hex(16)
            traceparent = f"00-{trace_id}-{token_hex(8)}-01"
            with suppress(ConnectionError):  # nobody listens yet, or any more
                answer = answer_to(self.address, request_bytes("/items/7", traceparent=traceparent))
                if answer:
                    pid = self.served[trace_id] = int(answer.rpartition(b"\r\n")[2])
                    return pid
            assert self.process.poll() is None, str(self.log)
            assert time.monotonic() < until, str(self.log)
            time.sleep(0.02)

    def ask_at_once(self, count: int) -> None:
        """Have some requests served at the same time."""
        with ThreadPoolExecutor(count) as pool:
            for asked in [pool.submit(self.ask) for _ in range(count)]:
                asked.result()

    def end(self, number: int = signal.SIGTERM) -> None:
        """Have it end, as by its user: by Ctrl-C, which goes to all its processes, or SIGTERM."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        with suppress(TimeoutExpired):
            self.process.wait(PATIENCE)
        assert self.process.returncode in ENDINGS, str(self.log)

    def close(self) -> None:
        """End whatever is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


@contextmanager
def running(
    programs: Programs, command: Sequence[str], env: Mapping[str, str | None] | None = None
) -> Iterator[Server]:
    """Run a server, of whose command `{port}` is a port, until the end of the `with` statement."""
    with ExitStack() as stack:
        names_port = any("{port}" in word for word in command)
        port = stack.enter_context(closed_port()) if names_port else None
        words = [word.replace("{port}", str(port)) for word in command]
        # As the user's shell would find it; a module is run by Python.
        executable = Path(sys.executable).with_name(words[0])
        process = programs.start(
            ["-m", "otel_run_bootstrap", str(executable), *words[1:]], env=env, launcher=False
        )
        server = Server(process, port)
        stack.callback(server.close)
        yield server
    assert INTERNAL_ERROR not in str(server.log), str(server.log)


def check_arrival(collector: Collector, server: Server, name: str, library: str) -> list[Span]:
    """Find each request that was served as one span, of the process that has served it.

    Each process has an instance id of its own.
    """
    spans = collector.spans()
    where = [(span.trace_id, span.resource["process.pid"]) for span in spans]
    assert sorted(where) == sorted(server.served.items())
    assert {(span.kind, span.name, span.scope) for span in spans} == {
        ("server", name, f"otel_run_instrumentors.{library}")
    }
    assert {span.resource["service.name"] for span in spans} == {"shop"}
    instances = {
        (span.resource["process.pid"], span.resource["service.instance.id"]) for span in spans
    }
    assert len({instance for _, instance in instances}) == len(instances) == len(server.pids)
    return spans
