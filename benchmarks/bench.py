"""The bench: runs a program under a system and says what that cost and how many spans arrived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import counting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.system import System

STARTER = Path(__file__).parent / "starter.py"
LONGEST_RUN_SECONDS = 600
# requests goes through all variables four times a call, for 1.5 µs each: a system is charged with
# those that it sets itself, and not with what its user says in variables and not otherwise.
VARIABLES = 16


class RunError(Exception):
    """A program that failed, or spans that were not delivered."""


@dataclass(frozen=True)
class Run:
    """What one run of a program cost."""

    cpu_seconds: float
    peak_mib: float
    spans: int
    points: int
    """Of the histograms of durations."""
    output: str


@dataclass(frozen=True)
class Start:
    """How a program is started, whatever system watches it."""

    launched: bool = True
    """False: in the environment that the launcher leaves, but without the launcher itself."""
    local_store: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """The environments and servers of one benchmark."""

    binaries: Mapping[str, Path]
    """Name of an environment → its `bin` folder."""
    sink: str
    page: str

    def run(self, system: System, arguments: list[str], start: Start) -> Run:
        """Run Python with the arguments under the system; RunError when it fails."""
        with tempfile.TemporaryDirectory() as store:
            binaries = self.binaries[system.environment]
            environ = self.environ(system, start, store)
            launcher = [str(binaries / command) for command in system.launcher]
            if not start.launched:
                environ, launcher = left_by(launcher, environ), []
            cpu_seconds, peak_kib, output = measure(
                [*launcher, str(binaries / "python"), *arguments], environ
            )
            stored = counting.spans_in_store(Path(store))
        spans, points = self.received()
        return Run(cpu_seconds, peak_kib / 1024, stored + spans, points, output)

    def environ(self, system: System, start: Start, store: str) -> dict[str, str]:
        """Make an environment with nothing of the caller's but where programs are.

        Every system begins with the same number of variables.
        """
        environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": store}
        environ |= {key: value.format(sink=self.sink) for key, value in system.variables.items()}
        environ |= start.variables
        if start.local_store:
            environ.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
            environ["OTEL_RUN_STORE"] = store
        missing = range(VARIABLES - len(environ))
        return environ | {f"VARIABLE_{number}": "some value" for number in missing}

    def received(self) -> tuple[int, int]:
        """Count the spans and the points that the sink received since this was last asked."""
        with urllib.request.urlopen(f"{self.sink}/received") as answer:  # noqa: S310
            received = json.load(answer)
        return received["spans"], received["points"]


def left_by(launcher: list[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Find the environment in which the launcher starts a program."""
    printed = subprocess.run(
        [*launcher, "/usr/bin/env", "-0"], env=environ, stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    return dict(variable.split("=", 1) for variable in printed.split("\0") if variable)


def measure(command: list[str], environ: Mapping[str, str]) -> tuple[float, int, str]:
    """Run the command; its seconds of CPU, user and system, its peak memory in KiB, its output."""
    finished = subprocess.run(
        [sys.executable, "-I", "-S", str(STARTER), *command],
        env=environ,
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    if finished.returncode:
        raise RunError(finished.stderr)
    *output, cost = finished.stdout.splitlines()
    cpu_seconds, peak_kib, status = cost.split()
    if status != "0":
        last_words = finished.stderr.strip().splitlines()[-1:]
        raise RunError(f"exit status {status} {' '.join(last_words)}")
    return float(cpu_seconds), int(peak_kib), "\n".join(output)
