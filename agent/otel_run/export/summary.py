"""The lines at the end of a run: how much there was, what took longest, where to see more."""

from __future__ import annotations

import os
import stat
import sys

from otel_run.export.store_file import EXTENSION, FRAME_HEADER_SIZE, HEADER, SIGNALS
from otel_run.export.tally import KEPT, Tally, decode
from otel_run.figures import tell_count, tell_duration
from otel_run.native import time
from otel_run.notice import escape, inform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.settings import Settings

# Seconds that reading all files may take, at the end of a program that somebody waits for.
PATIENCE = 0.5

# Bytes of a tally that is believed, characters of a name that are shown.
LONGEST_TALLY = 1 << 16
LONGEST_NAME = 60

_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_READ |= getattr(os, "O_CLOEXEC", 0)


def tell(settings: Settings) -> None:
    """Say what the run has recorded that is in the local store, where somebody looks at the end."""
    if settings.root and "local" in settings.exporters["traces"] and _is_wanted(settings):
        for line in exit_lines(read_tallies(settings.run_folder), settings.run_folder):
            inform(line)


def _is_wanted(settings: Settings) -> bool:
    if settings.summary is not None:
        return settings.summary
    stderr = sys.__stderr__
    return stderr is not None and not stderr.closed and stderr.isatty()


def read_tallies(folder: str, patience: float = PATIENCE) -> list[Tally]:
    """Return the last tally of each of a run's files, of as many as the time allows."""
    until = time.monotonic() + patience
    tallies = []
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    for name in names:
        if name.endswith(EXTENSION) and time.monotonic() < until:
            text = _last_tally(os.path.join(folder, name), until)
            if text:
                tallies.append(decode(text))
    return tallies


def exit_lines(tallies: list[Tally], folder: str) -> list[str]:
    """Return the lines for the processes of a run, none where they recorded nothing."""
    if not any(tally.spans or tally.dropped for tally in tallies):
        return []
    return [_counts(tallies), *_slowest(tallies), f"see more: {_command(folder)}"]


def _last_tally(path: str, until: float) -> bytes:
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        return b""
    try:
        return _find_last_tally(descriptor, until)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _find_last_tally(descriptor: int, until: float) -> bytes:
    """Go from frame to frame, reading nothing but tallies; a torn one is the end."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or os.pread(descriptor, len(HEADER), 0) != HEADER:
        return b""
    found, offset = b"", len(HEADER)
    while offset + FRAME_HEADER_SIZE <= status.st_size and time.monotonic() < until:
        header = os.pread(descriptor, FRAME_HEADER_SIZE, offset)
        length = int.from_bytes(header[1:], "big")
        offset += FRAME_HEADER_SIZE
        if header[0] == SIGNALS["tally"] and length <= min(LONGEST_TALLY, status.st_size - offset):
            found = os.pread(descriptor, length, offset)
        offset += length
    return found


def _counts(tallies: list[Tally]) -> str:
    spans, dropped = sum(t.spans for t in tallies), sum(t.dropped for t in tallies)
    parts = [
        tell_count(sum(tally.traces for tally in tallies), "trace"),
        tell_count(spans, "span"),
        tell_count(sum(tally.errors for tally in tallies), "error"),
    ]
    if dropped:
        parts.append(f"{dropped:,} dropped")
    processes = len({tally.pid for tally in tallies if tally.spans})
    return ", ".join(parts) + (f", from {processes} processes" if processes > 1 else "")


def _slowest(tallies: list[Tally]) -> list[str]:
    roots = sorted((root for tally in tallies for root in tally.slowest), reverse=True)[:KEPT]
    micro = _micro()
    durations = [tell_duration(nanoseconds, micro) for nanoseconds, _, _ in roots]
    width = max(map(len, durations), default=0)
    return [
        f"  {duration:>{width}}  {_shown(name)}"
        for duration, (_, _, name) in zip(durations, roots, strict=True)
    ]


def _shown(name: str) -> str:
    name = escape(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _micro() -> str:
    encoding = getattr(sys.__stderr__, "encoding", None) or "ascii"
    try:
        "µ".encode(encoding)
    except UnicodeError:
        return "us"
    return "µs"


def _command(folder: str) -> str:
    runs, name = os.path.split(os.path.abspath(folder))
    try:
        is_newest = max(os.listdir(runs)) == name
    except (OSError, ValueError):
        is_newest = False
    return "otel-run show" if is_newest else f"otel-run show {escape(name)}"
