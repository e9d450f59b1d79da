"""The kinds of rows about serving: how long a request takes, how many are answered in a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.bench import RunError, Start
from benchmarks.measurement import Line
from benchmarks.row import PROGRAMS
from benchmarks.system import BASE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.bench import Bench
    from benchmarks.measurement import Plan
    from benchmarks.system import System


@dataclass(frozen=True)
class Service:
    """A program that serves N requests and prints how that went."""

    program: str
    count: int
    arguments: Sequence[str] = ()
    spans: Mapping[str, int] = field(default_factory=dict)
    """Spans of one request, for the systems for which that is not one span."""

    def run(self, bench: Bench, system: System, scale: float) -> list[float]:
        """The numbers that it printed; RunError unless every span and point was delivered."""
        count = max(2_000, int(self.count * scale))
        program = str(PROGRAMS / self.program)
        run = bench.run(
            system, [program, str(count), *self.arguments], Start(variables=system.patience)
        )
        expected = count * (0 if system == BASE else self.spans.get(system.name, 1))
        if run.spans != expected:
            raise RunError(f"{run.spans:,} spans delivered, not {expected:,}")
        if system.measures and run.points < count:
            raise RunError(f"{run.points:,} durations delivered, not {count:,}")
        return [float(number) for number in run.output.split()]


@dataclass(frozen=True)
class Latency:
    """How long requests take that come at a steady rate: the median and the slowest hundredth."""

    name: str
    what: str
    median_limit: float
    p99_limit: float
    service: Service
    without: Sequence[str] = ()

    def lines(self) -> list[Line]:
        return [
            Line(f"{self.what}: p50", "ms", self.median_limit),
            Line(f"{self.what}: p99", "ms", self.p99_limit),
        ]

    def rounds(self, plan: Plan) -> int:
        return plan.runs

    def sample(self, bench: Bench, system: System, scale: float) -> Sequence[float]:
        return self.service.run(bench, system, scale)


@dataclass(frozen=True)
class Throughput:
    """How many requests a server answers in a second when it is never idle."""

    name: str
    what: str
    kept: float
    """The part of them that must be left."""
    service: Service
    without: Sequence[str] = ()

    def lines(self) -> list[Line]:
        return [Line(self.what, "/s", self.kept, more_is_better=True)]

    def rounds(self, plan: Plan) -> int:
        return plan.runs

    def sample(self, bench: Bench, system: System, scale: float) -> Sequence[float]:
        return self.service.run(bench, system, scale)
