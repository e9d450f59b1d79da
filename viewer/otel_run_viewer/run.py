"""Runs: what the processes of one `otel-run COMMAND` stored, found by name and read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otel_run_viewer import store
from otel_run_viewer.otlp import decode_metrics, decode_traces
from otel_run_viewer.wire import WireError

if TYPE_CHECKING:
    from otel_run_viewer.telemetry import Metric, Span

FEW = 5
HOW = "make one with: otel-run python app.py"


class RunNotFoundError(LookupError):
    """No such run; the text is one line that says what there is."""


class Run:
    """One run's records. What could not be read is in `complaints`, one line a file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.spans: list[Span] = []
        self.metrics: list[Metric] = []
        self.dropped = 0
        self.complaints: list[str] = []


def list_runs(store_folder: Path) -> list[str]:
    """List the names of a store's runs, newest last: a name begins with its time."""
    try:
        return sorted(path.name for path in (store_folder / "runs").iterdir() if path.is_dir())
    except OSError:
        return []


def find_run(store_folder: Path, wanted: str | None) -> Path:
    """Find the newest run, or the one wanted: a name, a unique prefix or a path.

    Raises `RunNotFoundError`.
    """
    names = list_runs(store_folder)
    if wanted is None and not names:
        raise RunNotFoundError(_explain_emptiness(store_folder))
    if wanted is None or wanted in names:
        return store_folder / "runs" / (wanted or names[-1])
    matches = [name for name in names if wanted and name.startswith(wanted)]
    if len(matches) == 1:
        return store_folder / "runs" / matches[0]
    if not matches and _exists(wanted):
        return Path(wanted)
    raise RunNotFoundError(_explain(wanted, matches, names))


def read_run(path: Path) -> Run:
    """Read a run's folder, or one file of it. Never raises for what is in there."""
    run = Run(path.resolve().name)
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError as error:
        run.complaints.append(f"{run.name}: {error.strerror}")
        return run
    for file in files:
        _read_file(run, file)
    return run


def _exists(path: str) -> bool:
    try:
        return bool(path) and Path(path).exists()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def _explain_emptiness(store_folder: Path) -> str:
    try:
        list((store_folder / "runs").iterdir())
    except FileNotFoundError:
        pass
    except OSError as error:
        return f"cannot read {error.filename}: {error.strerror}"
    return f"no runs in {store_folder} yet; {HOW}"


def _explain(wanted: str, matches: list[str], names: list[str]) -> str:
    if matches:
        return f"{wanted!r} begins {len(matches)} runs: {_enumerate(matches)}"
    if names:
        return f"no run {wanted!r}; there are, newest last: {_enumerate(names)}"
    return f"no run {wanted!r}, and no other yet; {HOW}"


def _enumerate(names: list[str]) -> str:
    few = ", ".join(names[-FEW:])
    return few if len(names) <= FEW else f"{len(names) - FEW} older, {few}"


def _read_file(run: Run, path: Path) -> None:
    complaint = _Complaint()
    dropped = 0
    try:
        with store.open_file(path) as file:
            for frame in store.read_frames(file):
                if frame.signal == store.TALLY:
                    dropped = store.read_dropped(frame.payload)  # a newer tally replaces the older
                else:
                    _read_frame(run, frame, complaint)
    except store.StoreError as error:
        complaint.add(str(error))
    except OSError as error:
        complaint.add(error.strerror or type(error).__name__)
    run.dropped += dropped
    if complaint.count:
        run.complaints.append(f"{path.name}: {complaint}")


def _read_frame(run: Run, frame: store.Frame, complaint: _Complaint) -> None:
    try:
        if frame.signal == store.TRACES:
            run.spans.extend(decode_traces(frame.payload))
        elif frame.signal == store.METRICS:
            run.metrics.extend(decode_metrics(frame.payload))
        elif frame.signal != store.LOGS:
            complaint.add(f"unknown signal {frame.signal} at byte {frame.offset}")
    except WireError as error:
        complaint.add(f"damaged at byte {frame.offset}: {error}")


class _Complaint:
    """The first of what is wrong with a file, and how much more there is."""

    def __init__(self) -> None:
        self.first = ""
        self.count = 0

    def add(self, reason: str) -> None:
        self.first = self.first or reason
        self.count += 1

    def __str__(self) -> str:
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        return f"skipped: {self.first}{more}"
