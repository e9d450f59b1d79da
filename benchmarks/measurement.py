"""How rows are measured: every system in every round, so that a slow minute hits all alike."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from benchmarks.bench import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.bench import Bench
    from benchmarks.system import System


@dataclass
class Line:
    """One quantity, as every system came out, a value for each round."""

    what: str
    unit: str
    limit: float
    """What otel-run may add; or, where more is better, the part of the whole that it must leave."""
    more_is_better: bool = False
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How long to measure, and whom."""

    systems: Sequence[System]
    runs: int
    pairs: int
    """Rounds of what is short and noisy."""
    scale: float
    """What the numbers of operations are multiplied with."""
    progress: Callable[[str], None]


class Row(Protocol):
    """What can be asked for by its name, and ends as one or more lines of the table."""

    @property
    def name(self) -> str: ...

    @property
    def without(self) -> Sequence[str]:
        """Names of the systems that have no such thing."""

    def lines(self) -> list[Line]:
        """Make the lines, still empty."""

    def rounds(self, plan: Plan) -> int: ...

    def sample(self, bench: Bench, system: System, scale: float) -> Sequence[float]:
        """Measure once, a value for each line; RunError unless every span was delivered."""


def measured(row: Row, bench: Bench, plan: Plan) -> list[Line]:
    """Fill the row's lines. A system that fails once has no numbers, but a reason."""
    lines = row.lines()
    failed: set[str] = set()
    for system in interleaved(row, plan):
        if system.name in failed:
            continue
        try:
            values = row.sample(bench, system, plan.scale)
        except RunError as error:
            failed.add(system.name)
            fail(lines, system, str(error))
        else:
            for line, value in zip(lines, values, strict=True):
                line.values[system.name].append(value)
    return lines


def interleaved(row: Row, plan: Plan) -> Iterator[System]:
    """Yield each system in each round, another one first every time."""
    systems = [system for system in plan.systems if system.name not in row.without]
    rounds = row.rounds(plan)
    for number in range(rounds):
        first = number % len(systems)
        for system in (*systems[first:], *systems[:first]):
            plan.progress(f"{row.name}: round {number + 1} of {rounds}, {system.title}")
            yield system


def fail(lines: list[Line], system: System, reason: str) -> None:
    """Note that the system has no number here, and why."""
    for line in lines:
        line.values.pop(system.name, None)
        line.failures[system.name] = reason
