"""Where a process forks and ends, the pipeline is told, if there is one by then."""

from __future__ import annotations

import atexit
import os
import sys

from otel_run import run_entry
from otel_run_bootstrap.mistake import swallow

# When the run's folder last got a file, as it was when this process began.
changed_before = 0


def watch() -> None:
    """Register before the program does: what is registered first runs last, before fork too."""
    become_root()
    atexit.register(end)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=before_fork,
            after_in_parent=after_fork_in_parent,
            after_in_child=after_fork_in_child,
        )


def before_fork() -> None:
    notify("before_fork")


def after_fork_in_parent() -> None:
    notify("after_fork_in_parent")


def after_fork_in_child() -> None:
    notify("after_fork_in_child")


def end() -> None:
    try:
        shut_down()
        if ran():
            tell_summary()
        if os.environ.get("OTEL_RUN_REQUIRE"):
            tell_missing()
    except KeyboardInterrupt:
        return  # the user has waited long enough


def become_root() -> None:
    """Be the one that speaks for the run, unless a Python does that has started this one.

    The command may have become a shell, which does not: each Python that it starts then does.
    """
    global changed_before  # noqa: PLW0603 (once in a process)
    path = os.environ.get("PYTHONPATH", "")
    run_entry.own = entry = run_entry.find(path)
    if entry.endswith(run_entry.MARK):
        run_entry.own += str(os.getpid())
        os.environ["PYTHONPATH"] = path.replace(entry, run_entry.own)
    changed_before = changed()


def changed() -> int:
    """When the run's folder last got a file, in ns; 0 without a folder."""
    try:
        return os.stat(run_entry.read(run_entry.own)[0]).st_mtime_ns
    except OSError:
        return 0


def ran() -> bool:
    """Whether this process speaks for a run that has stored something, if only a child of it.

    What is asked here costs nothing; the settings say the rest.
    """
    root = run_entry.read(run_entry.own)[1]
    return root == str(os.getpid()) and changed() != changed_before


def tell_summary() -> None:
    try:
        from otel_run.export.summary import tell
        from otel_run.settings import current

        tell(current())
    except Exception as error:
        swallow(error, "summary")


def tell_missing() -> None:
    try:
        from otel_run.settings import current
        from otel_run_bootstrap.requirement import tell

        tell(current())
    except Exception as error:
        swallow(error, "requirement")


def shut_down() -> None:
    notify("shutdown")


def notify(event: str) -> None:
    """Call a method of the pipeline, which is loaded with the first record."""
    pipeline = getattr(sys.modules.get("otel_run.export.pipeline"), "PIPELINE", None)
    if pipeline is None:
        return
    try:
        getattr(pipeline, event)()
    except Exception as error:
        swallow(error, event)
