"""The runs of the local store: where the next one goes, and which old ones go."""

from __future__ import annotations

import os

from otel_run.run_name import is_run_name
from otel_run.store_folder import find_store
from otel_run_bootstrap.run_folder import RunFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = 5


def runs_folder(environ: Mapping[str, str]) -> str:
    """Return where the local store keeps its runs."""
    return os.path.join(find_store(environ), "runs")


def prune(folder: str) -> None:
    """Delete finished runs but the newest; what is in use, a link or not a run's stays."""
    try:
        names = [name for name in os.listdir(folder) if is_run_name(name)]
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
