"""Where a process forks and ends, the pipeline is told, if there is one by then."""

from __future__ import annotations

import atexit
import os
import sys

import otel_run
from otel_run import run_entry
from otel_run_bootstrap.mistake import swallow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What may ask for more to be said.
ASKING = frozenset(("OTEL_RUN_VERBOSITY", "OTEL_LOG_LEVEL"))

# When the run's folder last got a file, as it was when this process began.
changed_before = 0


def watch() -> None:
    """Register before the program does: what is registered first runs last, before fork too."""
    otel_run.variables.update(
        (name, value) for name, value in os.environ.items() if name.startswith("OTEL_")
    )
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
        attempt(tell_summary, "summary")
        attempt(tell_nothing, "summary")
        attempt(tell_missing, "requirement")
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


def tell_summary() -> None:
    """Say what a run has stored, if only by a child of this process, which speaks for it.

    What is asked here costs nothing; the settings say the rest.
    """
    root = run_entry.read(run_entry.own)[1]
    if root == str(os.getpid()) and changed() != changed_before:
        from otel_run.export.summary import tell
        from otel_run.settings import current

        tell(current())


def tell_nothing() -> None:
    """Tell who asks for more that the run's first Python has imported nothing to record."""
    looked = getattr(sys.modules.get("otel_run_bootstrap.instrumentation"), "looked", False)
    if not looked and ASKING & otel_run.variables.keys() and changed() == changed_before:
        from otel_run.settings import current

        settings = current()
        if settings.root and settings.verbosity > 0:
            from otel_run.notice import say
            from otel_run_bootstrap.introduction import emptiness

            say(emptiness(settings))


def tell_missing() -> None:
    if otel_run.variables.get("OTEL_RUN_REQUIRE"):
        from otel_run.settings import current
        from otel_run_bootstrap.requirement import tell

        tell(current())


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


def attempt(step: Callable[[], object], where: str) -> None:
    """Take a step, and let no mistake of ours out."""
    try:
        step()
    except Exception as error:
        swallow(error, where)
