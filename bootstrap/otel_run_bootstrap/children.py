"""Children of multiprocessing: they go on from where they were started, and end as they are told.

It is done whether this process records anything or not: its children may.
"""

from __future__ import annotations

import os
import sys
from functools import wraps
from time import monotonic

from otel_run_bootstrap.lifecycle import shut_down
from otel_run_bootstrap.mistake import swallow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# After all finalizers of the program: they may still record.
LAST = -sys.maxsize

# How often a child that was told to end is nudged, and for how long, in seconds.
INTERVAL = 0.1
PATIENCE = 2.0


def watch(module_name: str) -> None:
    """See to the children, once one of the modules that make them has been executed."""
    module = sys.modules[module_name]
    if module_name == "multiprocessing.util":
        flush_at_the_end(module)
        go_on_from_parent(sys.modules["multiprocessing.process"])
    else:
        nudge_who_is_told_to_end(module)


def flush_at_the_end(util: Any) -> None:
    """Shut down in children, too: they leave by `os._exit`, without atexit."""

    def after_fork(_: object) -> None:
        util.Finalize(None, shut_down, exitpriority=LAST)

    # The registry holds its first argument weakly: a function of this module stays.
    util.register_after_fork(shut_down, after_fork)


def go_on_from_parent(process: Any) -> None:
    """Have children begin with what is current where they are started."""
    import otel_run.signals.ticket  # noqa: F401  what is pickled looks for it

    bootstrap = process.BaseProcess._bootstrap  # noqa: SLF001

    @wraps(bootstrap)
    def begin(child: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            take_ticket(child)
            take_nudges()
        except Exception as error:
            swallow(error, "multiprocessing")
        return bootstrap(child, *args, **kwargs)

    process.BaseProcess._bootstrap = begin  # noqa: SLF001


def take_ticket(child: Any) -> None:
    from otel_run.signals.context import set_current
    from otel_run.signals.ticket import TICKET, redeem

    ticket = vars(child).pop(TICKET, None)
    if ticket is not None:
        set_current(redeem(ticket))


def take_nudges() -> None:
    """Let a signal that does nothing interrupt this process, unless the program handles it.

    Python handles a signal before its next instruction. One that comes between that and a system
    call that waits is handled when the call returns: a worker of a pool, which is told to end as
    it begins to wait for more, would stay. Without us SIGTERM would have no handler, and end it.
    """
    from signal import SIG_DFL, SIGURG, getsignal, signal

    if getsignal(SIGURG) == SIG_DFL:
        signal(SIGURG, lambda *_: None)


def nudge_who_is_told_to_end(popen_fork: Any) -> None:
    """Nudge a child that the program has told to end, while it waits for that."""
    popen = popen_fork.Popen
    terminate, wait = popen.terminate, popen.wait

    @wraps(terminate)
    def tell(child: Any) -> Any:
        child.otel_run_told = True
        return terminate(child)

    @wraps(wait)
    def wait_for(child: Any, timeout: float | None = None) -> Any:
        if timeout != 0 and getattr(child, "otel_run_told", False):
            began = monotonic()
            try:
                nudge(child, PATIENCE if timeout is None else min(timeout, PATIENCE))
            except Exception as error:
                swallow(error, "multiprocessing")
            if timeout is not None:
                timeout = max(0.0, timeout - (monotonic() - began))
        return wait(child, timeout)

    popen.terminate, popen.wait = tell, wait_for


def nudge(child: Any, seconds: float) -> None:
    """Interrupt a child now and then until it has ended, or the time is over."""
    from multiprocessing.connection import wait
    from signal import SIGURG

    until = monotonic() + seconds
    while child.poll() is None and not wait([child.sentinel], min(INTERVAL, seconds)):
        if monotonic() >= until:
            return
        try:
            os.kill(child.pid, SIGURG)
        except ProcessLookupError:
            return
