"""Where a process forks and ends, the pipeline is told, if there is one by then."""

from __future__ import annotations

import atexit
import os
import sys

from otel_run_bootstrap.mistake import swallow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# After all finalizers of the program: they may still record.
LAST = -sys.maxsize


def watch() -> None:
    """Register before the program does: what is registered first runs last, before fork too."""
    atexit.register(end)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=before_fork,
            after_in_parent=after_fork_in_parent,
            after_in_child=after_fork_in_child,
        )


def before_fork() -> None:
    tell("before_fork")


def after_fork_in_parent() -> None:
    tell("after_fork_in_parent")


def after_fork_in_child() -> None:
    tell("after_fork_in_child")


def end() -> None:
    tell("end")


def shut_down() -> None:
    tell("shutdown")


def tell(event: str) -> None:
    """Call a method of the pipeline, which is loaded with the first record."""
    pipeline = getattr(sys.modules.get("otel_run.export.pipeline"), "PIPELINE", None)
    if pipeline is None:
        return
    try:
        getattr(pipeline, event)()
    except Exception as error:
        swallow(error, event)


def flush_multiprocessing_children(module_name: str) -> None:
    """Shut down in children of multiprocessing, too: they leave by `os._exit`, without atexit."""
    util: Any = sys.modules[module_name]

    def after_fork(_: object) -> None:
        util.Finalize(None, shut_down, exitpriority=LAST)

    # The registry holds its first argument weakly: a function of this module stays.
    util.register_after_fork(shut_down, after_fork)
