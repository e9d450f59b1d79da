"""Serves requests for long, the collector being down for the first half of them: nothing may grow.

`python -m benchmarks.soak`, or `scripts/soak`; a small one is a test.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import environment, service
from benchmarks.row import PROGRAMS
from benchmarks.system import OTEL_RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

PROGRAM = PROGRAMS / "flask_soak.py"
SPANS = 2  # of a request: the server's, and the query's
HALF = 50  # percent
SHOWN = (10, HALF, 100)
LOST = re.compile(r"(the queue was full|cannot send traces)[^;]*; ([\d,]+) spans? dropped so far")
INTRODUCTION = " records "


class Mark(NamedTuple):
    """How it went up to so many requests."""

    requests: int
    memory_kib: int
    cpu_seconds: float


class Line(NamedTuple):
    """What was said on stderr, and when, in seconds."""

    time: float
    text: str


@dataclass
class Soak:
    """What became of a run."""

    requests: int
    marks: dict[int, Mark] = field(default_factory=dict)
    """By percent of the requests."""
    delivered: int = 0
    lines: list[Line] = field(default_factory=list)
    status: int = 0

    @property
    def recorded(self) -> int:
        """Spans that the program made."""
        return SPANS * self.requests

    @property
    def dropped(self) -> int:
        """Spans that the program was told to be lost, in the last line of each kind."""
        found = (pair for line in self.lines for pair in LOST.findall(line.text))
        told = {kind: int(count.replace(",", "")) for kind, count in found}
        return sum(told.values())

    def growth_mib(self, first: int, last: int) -> float:
        """Memory that came to it in between."""
        return (self.marks[last].memory_kib - self.marks[first].memory_kib) / 1024

    def cpu_microseconds(self, first: int, last: int) -> float:
        """CPU of a request, in between."""
        begin, end = self.marks[first], self.marks[last]
        return (end.cpu_seconds - begin.cpu_seconds) / (end.requests - begin.requests) * 1e6


def soak(
    command: Sequence[str],
    environ: Mapping[str, str],
    requests: int,
    progress: Callable[[str], None],
) -> Soak:
    """Run the program with that command of a Python; the collector comes up at half of it."""
    run = Soak(requests)
    with socket.socket() as port, ExitStack() as processes:
        # Bound, and nobody listens yet: connections are refused.
        port.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{port.getsockname()[1]}"
        started = [*command, str(PROGRAM), str(requests)]
        variables = {**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        process = processes.enter_context(
            subprocess.Popen(started, env=variables, stdout=PIPE, stderr=PIPE, text=True)
        )
        listener = threading.Thread(target=lambda: run.lines.extend(heard(process.stderr or ())))
        listener.start()
        for percent, line in enumerate(process.stdout or (), 1):
            served, memory, cpu = line.split()
            run.marks[percent] = Mark(int(served), int(memory), float(cpu))
            if percent == HALF:
                processes.enter_context(service.running("benchmarks.sink", port.fileno()))
            if percent >= HALF:
                run.delivered += received(endpoint)
            progress(f"{percent} %: {int(memory) / 1024:.1f} MiB, {run.delivered:,} delivered")
        run.status = process.wait()
        listener.join()
        run.delivered += received(endpoint)
    return run


def heard(stderr: Iterable[str]) -> Iterable[Line]:
    """Give what comes, with its time, but for the introduction."""
    return (Line(time.monotonic(), line) for line in stderr if INTRODUCTION not in line)


def received(endpoint: str) -> int:
    """Count the spans that the collector received since this was last asked."""
    with urllib.request.urlopen(f"{endpoint}/received") as answer:  # noqa: S310
        spans: int = json.load(answer)["spans"]
    return spans


def table(run: Soak, bare: Soak) -> str:
    """Say how it went."""
    rows = [f"{'served':>9}  {'memory':>11}  {'CPU a request':>14}  without otel-run"]
    for first, last in zip((1, *SHOWN), SHOWN, strict=False):
        memory = f"{run.marks[last].memory_kib / 1024:.1f} MiB"
        cpu, less = (f"{one.cpu_microseconds(first, last):.1f} µs" for one in (run, bare))
        rows.append(f"{last:>7} %  {memory:>11}  {cpu:>14}  {less}")
    rows += ["", account(run)]
    begin = run.lines[0].time if run.lines else 0
    rows += [f"after {line.time - begin:6.1f} s: {line.text.strip()}" for line in run.lines]
    return "\n".join(rows) + "\n"


def account(run: Soak) -> str:
    """Say where the spans are."""
    numbers = {
        "recorded": run.recorded,
        "delivered": run.delivered,
        "dropped as told": run.dropped,
        "unaccounted for": run.recorded - run.delivered - run.dropped,
    }
    spans = ", ".join(f"{number:,} {what}" for what, number in numbers.items())
    return f"spans: {spans}; exit status {run.status}"


def main() -> int:
    """Soak once with otel-run and once without, a tenth as long; 1 where spans are missing."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=500_000, help="default: %(default)s")
    requests = parser.parse_args().requests
    progress("making the environment")
    binaries = environment.make(OTEL_RUN.environment)
    environment.install_project(binaries.parent)
    python = str(binaries / "python")
    with tempfile.TemporaryDirectory() as folder:
        environ = {"PATH": str(Path(python).parent), "HOME": folder, "LANG": "C.UTF-8"}
        bare = soak([python], environ, max(100, requests // 10), progress)
        run = soak([str(binaries / "otel-run"), python], environ, requests, progress)
    progress("")
    sys.stdout.write(table(run, bare))
    return int(run.status != 0 or run.recorded != run.delivered + run.dropped)


def progress(text: str) -> None:
    """Say what is going on, in one line of the terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
