"""The command: `python -m benchmarks`, or `scripts/benchmark`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import environment, service, table
from benchmarks.bench import Bench
from benchmarks.budget import ROWS
from benchmarks.measurement import Plan, measured
from benchmarks.system import BASE, OTEL_RUN, SYSTEMS, earlier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.measurement import Line
    from benchmarks.system import System

RESULTS = Path(__file__).parent / "results.md"
ROW_NAMES = tuple(row.name for row in ROWS)


def main() -> int:
    """Measure, print, write; 1 when something could not be measured."""
    options = parser().parse_args()
    plan = planned(options)
    output = target(options)
    lines: list[Line] = []
    for line in lines_of(plan, options.rows):
        lines.append(line)
        if output is not None:
            output.write_text(table.rendered(lines, plan))
    sys.stdout.write(table.rendered(lines, plan))
    return int(any(line.failures for line in lines))


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument(
        "--rows",
        type=names(ROW_NAMES),
        default=ROW_NAMES,
        metavar="ROW,…",
        help=", ".join(ROW_NAMES),
    )
    parser.add_argument(
        "--systems",
        type=names(tuple(SYSTEMS)),
        default=tuple(SYSTEMS),
        metavar="SYSTEM,…",
        help=f"{', '.join(SYSTEMS)} ({BASE.name} always runs)",
    )
    parser.add_argument(
        "--against",
        type=revision,
        metavar="REVISION",
        help="measure otel-run as it was then as well",
    )
    parser.add_argument("--runs", type=int, default=10, help="rounds of a row (default: 10)")
    parser.add_argument(
        "--pairs", type=int, default=30, help="rounds of a row about starting (default: 30)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="3 rounds and a tenth of the operations: a smoke test"
    )
    parser.add_argument(
        "--output", type=Path, help=f"default: {RESULTS} for the whole table, else none"
    )
    return parser


def names(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Make a reader of comma-separated names, that knows what they may be."""

    def read(text: str) -> tuple[str, ...]:
        wanted = text.split(",")
        if unknown := set(wanted).difference(known):
            message = f"no {', '.join(sorted(unknown))}; there are {', '.join(known)}"
            raise argparse.ArgumentTypeError(message)
        return tuple(name for name in known if name in wanted)

    return read


def revision(name: str) -> str:
    """Read the name of a revision."""
    try:
        return environment.find_revision(name)
    except LookupError as error:
        message = f"no revision {name!r}: {error}"
        raise argparse.ArgumentTypeError(message) from None


def target(options: argparse.Namespace) -> Path | None:
    """Return the file for the table; a part of it, or a smoke test, leaves the results alone."""
    output: Path | None = options.output
    is_whole = (options.rows, options.systems) == (ROW_NAMES, tuple(SYSTEMS))
    is_result = is_whole and not (options.quick or options.against)
    return output or (RESULTS if is_result else None)


def planned(options: argparse.Namespace) -> Plan:
    """Turn the options into what the rows are measured by."""
    systems = [system for name, system in SYSTEMS.items() if name in {BASE.name, *options.systems}]
    if options.against:
        systems.append(earlier(options.against))
    if options.quick:
        return Plan(systems, runs=3, pairs=3, scale=0.1, progress=progress)
    return Plan(systems, options.runs, options.pairs, scale=1, progress=progress)


def lines_of(plan: Plan, rows: tuple[str, ...]) -> Iterator[Line]:
    """Make the environments, start the servers, and measure row after row."""
    binaries = environments(plan.systems)
    with (
        service.running("benchmarks.sink") as sink,
        service.running("benchmarks.page_server") as page,
    ):
        bench = Bench(binaries, sink, page)
        for row in ROWS:
            if row.name in rows:
                yield from measured(row, bench, plan)
    progress("")


def environments(systems: Sequence[System]) -> dict[str, Path]:
    """Make each environment that one of the systems needs."""
    wanted = sorted({system.environment for system in systems})
    progress(f"making environments: {', '.join(wanted)}")
    binaries = {name: environment.make(name) for name in wanted}
    if OTEL_RUN in systems:
        environment.install_project(binaries[OTEL_RUN.environment].parent)
    for system in systems:
        if system.revision:
            folder = binaries[system.environment].parent
            environment.install_revision(folder, system.revision)
    return binaries


def progress(text: str) -> None:
    """Say what is going on, in one line of the terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
