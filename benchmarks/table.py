"""The table that is printed: Markdown, one line a quantity."""

from __future__ import annotations

from statistics import median, quantiles
from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.system import BASE, OTEL_RUN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.measurement import Line, Plan
    from benchmarks.system import System

NONE = "\N{EN DASH}"
LEGEND = """\
Medians of what each system adds to the same program without it, ± half of the interquartile
range, and in brackets the whole; under load, also the part of the requests that is left. Shares
are otel-run's addition as a part of the other's. CPU is user and system time of the whole process;
per operation it is the slope between N operations and 3N, with the telemetry's own thread and its
flush at exit. Every span was counted where it arrived. All begin with as many variables in their
environment, of which requests reads every one at each call. All export traces over HTTP,
uncompressed, OpenTelemetry and otel-run metrics as well. OpenTelemetry has its stable conventions
switched on (it records no database metrics without), and in the rows of single operations, of
latency and of load a queue of 100,000 spans, since with its own 2,048 it lost some."""


def rendered(lines: Sequence[Line], plan: Plan) -> str:
    """Render the whole report."""
    systems = plan.systems
    peers = [system for system in systems if system not in (BASE, OTEL_RUN)]
    titles = ["", *(system.title for system in systems)]
    titles += [f"share of {peer.title}" for peer in peers]
    titles += ["may add", ""]
    table = [titles, ["---"] * len(titles)]
    table += [[line.what, *cells(line, systems, peers)] for line in lines]
    rounds = f"{plan.runs} interleaved rounds, {plan.pairs} for starts"
    parts = [
        f"{machine.described()}. {rounds}{'' if plan.scale == 1 else ', SMOKE TEST ONLY'}.",
        "\n".join(f"| {' | '.join(row)} |" for row in table),
        LEGEND,
        *failures(lines),
    ]
    return "\n\n".join(parts) + "\n"


def cells(line: Line, systems: Sequence[System], peers: Sequence[System]) -> Iterator[str]:
    """Yield what stands behind the line's name."""
    for system in systems:
        yield whole(line) if system == BASE else addition(line, system)
    ours = added(line, OTEL_RUN)
    for peer in peers:
        yield share(line, ours, added(line, peer))
    yield f"keeps {line.limit:.0%}" if line.more_is_better else f"{line.limit:g} {line.unit}"
    yield ("met" if met(line, ours) else "**missed**") if ours else NONE


def share(line: Line, ours: list[float], theirs: list[float]) -> str:
    """Render otel-run's addition as a part of the other's, if that one costs anything."""
    worse = -1 if line.more_is_better else 1
    if not ours or not theirs or worse * median(theirs) <= 0:
        return NONE
    return f"{median(ours) / median(theirs):.1%}"


def met(line: Line, ours: list[float]) -> bool:
    """Whether otel-run stays within the limit."""
    if line.more_is_better:
        return median(parts(line, OTEL_RUN)) >= line.limit
    return median(ours) <= line.limit


def whole(line: Line) -> str:
    """Render what the program costs by itself."""
    values = line.values.get(BASE.name)
    return f"{number(median(values))} {line.unit}" if values else NONE


def addition(line: Line, system: System) -> str:
    """Render what the system adds, or that it could not be measured."""
    if system.name in line.failures:
        return "**failed**"
    values = added(line, system)
    if not values:
        return NONE
    kept = f", {median(parts(line, system)):.1%}" if line.more_is_better else ""
    return (
        f"{'' if median(values) < 0 else '+'}{number(median(values))} "
        f"± {number(spread(values))} {line.unit} "
        f"({number(median(line.values[system.name]))}{kept})"
    )


def added(line: Line, system: System) -> list[float]:
    """List what the system cost more than nothing did in the same round."""
    return [value - base for value, base in pairs(line, system)]


def parts(line: Line, system: System) -> list[float]:
    """List what is left under the system, as parts of what nothing left in the same round."""
    return [value / base for value, base in pairs(line, system)]


def pairs(line: Line, system: System) -> Iterator[tuple[float, float]]:
    """Yield what each round measured with the system, and without."""
    return zip(line.values.get(system.name, ()), line.values.get(BASE.name, ()), strict=False)


def spread(values: list[float]) -> float:
    """Half of the interquartile range."""
    if len(values) < 2:  # noqa: PLR2004
        return 0.0
    low, _, high = quantiles(values, n=4, method="inclusive")
    return (high - low) / 2


def number(value: float) -> str:
    """Render three digits, but no exponent."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2  # noqa: PLR2004
    return f"{value:,.{digits}f}"


def failures(lines: Sequence[Line]) -> Iterator[str]:
    """Yield a line for each number that is missing because something went wrong."""
    for line in lines:
        for system, reason in line.failures.items():
            yield f"**{line.what}, {system}: {reason}**"
