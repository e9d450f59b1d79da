"""The runs of the local store: where the next one goes, and which old ones go."""

from __future__ import annotations

import os
import time

from otel_run_bootstrap.run_folder import RunFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = 5
SERVICE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
SERVICE_LENGTH = 40
TIME_FORMAT = "%Y%m%dT%H%M%SZ-"
TIME_SHAPE = "00000000T000000Z-"


def runs_folder(environ: Mapping[str, str]) -> str:
    """Return where runs are kept: OTEL_RUN_STORE, else as the XDG base directories say."""
    root = environ.get("OTEL_RUN_STORE", "")
    if not root:
        state = environ.get("XDG_STATE_HOME", "")
        # A relative one is to be ignored.
        if not os.path.isabs(state):
            state = os.path.join(os.path.expanduser("~"), ".local", "state")
        root = os.path.join(state, "otel-run")
    return os.path.join(os.path.abspath(root), "runs")


def new_name(service: str) -> str:
    """Return `20261123T010203Z-app-1a2b`: the order of the names is that of the times."""
    cleaned = "".join(c if c in SERVICE_CHARACTERS else "-" for c in service[:SERVICE_LENGTH])
    return f"{time.strftime(TIME_FORMAT, time.gmtime())}{cleaned}-{os.urandom(2).hex()}"


def is_name(name: str) -> bool:
    start = name[: len(TIME_SHAPE)]
    return "".join("0" if c in "0123456789" else c for c in start) == TIME_SHAPE


def prune(folder: str) -> None:
    """Delete finished runs but the newest; what is in use, a link or not a run's stays."""
    try:
        names = [name for name in os.listdir(folder) if is_name(name)]
    except OSError:
        return
    kept = 0
    for name in sorted(names, reverse=True) if len(names) > KEPT else ():
        kept += is_finished(os.path.join(folder, name), to_delete=kept == KEPT)


def is_finished(path: str, *, to_delete: bool) -> bool:
    """Whether a run is finished and stays."""
    try:
        with RunFolder(path) as run:
            if not run.is_finished():
                return False
            if to_delete:
                run.delete()
    except OSError:
        return False
    return not to_delete
