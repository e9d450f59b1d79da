"""The kinds of rows: a cost per operation, the cost of a whole program, a burst."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench import RunError, Start
from benchmarks.measurement import Line
from benchmarks.system import BASE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.bench import Bench, Run
    from benchmarks.measurement import Plan
    from benchmarks.system import System

PROGRAMS = Path(__file__).parent / "programs"
BURST_STEADY_SPANS = 25_000


@dataclass(frozen=True)
class Operation:
    """CPU per operation: the slope between N operations and 3N, flush at exit included."""

    name: str
    what: str
    limit: float
    program: str
    count: int
    spans: Mapping[str, int] = field(default_factory=dict)
    """Spans of one operation, for the systems for which that is not one span."""
    start: Start = field(default_factory=Start)
    calls_page: bool = False
    without: Sequence[str] = ()

    def lines(self) -> list[Line]:
        return [Line(self.what, "µs", self.limit)]

    def rounds(self, plan: Plan) -> int:
        return plan.runs

    def sample(self, bench: Bench, system: System, scale: float) -> tuple[float]:
        count = max(100, int(self.count * scale))
        few, many = self.run(bench, system, count), self.run(bench, system, 3 * count)
        self.check(system, count, few, many)
        return ((many.cpu_seconds - few.cpu_seconds) / (2 * count) * 1e6,)

    def check(self, system: System, count: int, few: Run, many: Run) -> None:
        """RunError unless every span and every point was delivered.

        What a program does before its loop may be recorded too, as often in both runs.
        """
        expected = 2 * count * (0 if system == BASE else self.spans.get(system.name, 1))
        if many.spans - few.spans != expected or few.spans < expected // 2:
            raise RunError(
                f"{few.spans:,} spans of {count:,} operations were delivered and {many.spans:,} "
                f"of {3 * count:,}: {expected:,} were to lie between them"
            )
        if system.measures and (few.points < count or many.points < 3 * count):
            raise RunError(
                f"{few.points:,} durations of {count:,} operations were delivered "
                f"and {many.points:,} of {3 * count:,}"
            )

    def run(self, bench: Bench, system: System, count: int) -> Run:
        page = [bench.page] if self.calls_page else []
        start = replace(self.start, variables={**system.patience, **self.start.variables})
        return bench.run(system, [str(PROGRAMS / self.program), str(count), *page], start)


@dataclass(frozen=True)
class Whole:
    """CPU, and where it has a limit peak memory, of a whole program: mostly its start."""

    name: str
    what: str
    limit: float
    arguments: Sequence[str]
    start: Start = field(default_factory=Start)
    memory_limit: float | None = None
    spans: int = 0
    without: Sequence[str] = ()

    def lines(self) -> list[Line]:
        cpu = Line(f"{self.what}: CPU", "ms", self.limit)
        if self.memory_limit is None:
            return [cpu]
        return [cpu, Line(f"{self.what}: peak memory", "MiB", self.memory_limit)]

    def rounds(self, plan: Plan) -> int:
        return plan.pairs

    def sample(self, bench: Bench, system: System, scale: float) -> tuple[float, ...]:
        del scale
        run = bench.run(system, list(self.arguments), self.start)
        expected = 0 if system == BASE else self.spans
        if run.spans != expected:
            raise RunError(f"{run.spans:,} spans delivered, not {expected:,}")
        costs = (run.cpu_seconds * 1e3, run.peak_mib)
        return costs[:1] if self.memory_limit is None else costs


@dataclass(frozen=True)
class Burst:
    """A burst, then a steady load: what is lost, and the memory that it takes."""

    name: str
    what: str
    memory_limit: float
    count: int
    without: Sequence[str] = ()

    def lines(self) -> list[Line]:
        return [
            Line(f"{self.what}: spans lost", "spans", 0),
            Line(f"{self.what}: peak memory", "MiB", self.memory_limit),
            Line(f"{self.what}: length of the burst", "ms", 100),
        ]

    def rounds(self, plan: Plan) -> int:
        return plan.runs

    def sample(self, bench: Bench, system: System, scale: float) -> tuple[float, float, float]:
        del scale
        run = bench.run(system, [str(PROGRAMS / "burst.py"), str(self.count)], Start())
        expected = 0 if system == BASE else self.count + BURST_STEADY_SPANS
        return (expected - run.spans, run.peak_mib, float(run.output) * 1e3)
