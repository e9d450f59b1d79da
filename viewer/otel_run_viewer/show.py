"""`otel-run show [RUN]`: a run's traces as trees in the terminal, or as JSON."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from otel_run.figures import tell_count
from otel_run.store_folder import find_store
from otel_run_viewer.document import write_document
from otel_run_viewer.run import RunNotFoundError, find_run, read_run
from otel_run_viewer.screen import Screen, Segment, escape
from otel_run_viewer.trace import Trace, assemble
from otel_run_viewer.tree import draw_trace, join, tell_time

if TYPE_CHECKING:
    from otel_run_viewer.run import Run

DEFAULT_LIMIT = 20
LONGEST_NUMBER = 9  # digits
INTERRUPTED = 130


class Choice(NamedTuple):
    """Which of a run's traces are shown, by start time, and how many older ones are not."""

    traces: list[Trace]
    older: int
    errors: bool


def main(argv: list[str]) -> int:
    """Show a run; the exit code is 0, 1 when there is no such run, 2 for a wrong argument."""
    options = _parse(argv)
    try:
        code = _show(options, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` or a pager, has seen enough
        _discard_the_rest(sys.stdout)
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("otel-run show", description="Show the traces of a run.")
    parser.add_argument(
        "run", nargs="?", help="a name or how it begins, a folder or a file; else the newest run"
    )
    parser.add_argument("--errors", action="store_true", help="only traces that hold an error")
    parser.add_argument("--json", action="store_true", help="all of it as one JSON document")
    parser.add_argument(
        "--limit",
        type=_positive,
        metavar="N",
        help=f"only the N newest traces (default: {DEFAULT_LIMIT}, with --json all)",
    )
    return parser.parse_args(argv)


def _positive(text: str) -> int:
    if text.isdecimal() and len(text) <= LONGEST_NUMBER and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")


def _show(options: argparse.Namespace, stream: TextIO) -> int:
    try:
        run = read_run(find_run(Path(find_store(os.environ)), options.run))
    except RunNotFoundError as error:
        _complain(str(error))
        return 1
    for complaint in run.complaints:
        _complain(complaint)
    if options.json:
        choice = _choose(run, options.limit, errors=options.errors)
        write_document(run, choice.traces, stream)
    else:
        choice = _choose(run, options.limit or DEFAULT_LIMIT, errors=options.errors)
        _draw(run, choice, Screen(stream, os.environ))
    return 0


def _choose(run: Run, limit: int | None, *, errors: bool) -> Choice:
    traces = [trace for trace in assemble(run.spans) if trace.errors or not errors]
    older = max(0, len(traces) - limit) if limit else 0
    return Choice(traces[older:], older, errors)


def _draw(run: Run, choice: Choice, screen: Screen) -> None:
    screen.write(_title(run, choice, screen))
    for trace in choice.traces:
        screen.write()
        draw_trace(trace, screen)
    if choice.older:
        older = tell_count(choice.older, "older trace")
        screen.write()
        screen.write([Segment(f"{older}: --limit {len(choice.traces) + choice.older}", "dim")])


def _title(run: Run, choice: Choice, screen: Screen) -> list[Segment]:
    number = len(choice.traces) + choice.older
    facts = [Segment(screen.show(run.name), "bold")]
    if choice.traces:
        facts.append(Segment(tell_time(choice.traces[0].start, "%Y-%m-%d")))
    facts.append(Segment(tell_count(number, "trace") + (" with an error" if choice.errors else "")))
    if not choice.errors:
        facts.append(Segment(tell_count(len(run.spans), "span")))
    if run.dropped:
        facts.append(Segment(f"{run.dropped:,} dropped", "yellow"))
    return join(facts, screen.glyphs.dot)


def _complain(line: str) -> None:
    encoding = sys.stderr.encoding or "ascii"
    shown = escape(line).encode(encoding, "backslashreplace").decode(encoding)
    sys.stderr.write(f"otel-run: {shown}\n")


def _discard_the_rest(stream: TextIO) -> None:
    # Else the interpreter would fail to flush at exit and say so.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
