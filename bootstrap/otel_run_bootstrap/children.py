"""Children of multiprocessing: they go on from where they were started, and end as they are told.

It is done whether this process records anything or not: its children may.
"""

from __future__ import annotations

import os
import sys
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


def prepare(module_name: str) -> None:
    """Have children begin with what is current in their parent, and shut down at their end."""
    import otel_run.signals.ticket  # noqa: F401  what is pickled looks for it

    util: Any = sys.modules[module_name]

    def after_fork(_: object) -> None:
        # They leave by `os._exit`, without atexit.
        util.Finalize(None, shut_down, exitpriority=LAST)

    # The registry holds its first argument weakly: a function of this module stays.
    util.register_after_fork(shut_down, after_fork)
    begin_in(sys.modules["multiprocessing.process"])


def begin_in(module: Any) -> None:
    from functools import wraps

    bootstrap = module.BaseProcess._bootstrap  # noqa: SLF001

    @wraps(bootstrap)
    def begin(process: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            take_ticket(process)
            take_nudges()
        except Exception as error:
            swallow(error, "multiprocessing")
        return bootstrap(process, *args, **kwargs)

    module.BaseProcess._bootstrap = begin  # noqa: SLF001


def take_ticket(process: Any) -> None:
    """Have current what was current where this process was started."""
    from otel_run.signals.context import CURRENT
    from otel_run.signals.ticket import TICKET, redeem

    ticket = vars(process).pop(TICKET, None)
    if ticket is not None:
        CURRENT.set(redeem(ticket))


def take_nudges() -> None:
    """Let the parent interrupt this process with a signal that does nothing else.

    Python handles a signal between two of its instructions. One that comes just before the second
    waits in a system call is not handled before that returns, and a worker of a pool, which is
    told to end as it begins to wait, would wait for ever. Without us SIGTERM has no handler.
    """
    from signal import SIG_DFL, SIGURG, getsignal, signal

    if getsignal(SIGURG) == SIG_DFL:
        signal(SIGURG, lambda *_: None)


def nudge_who_is_told_to_end(module_name: str) -> None:
    """Nudge a child for which the program waits after it has told it to end."""
    from functools import wraps

    popen: Any = sys.modules[module_name].Popen
    terminate, wait = popen.terminate, popen.wait

    @wraps(terminate)
    def tell(child: Any) -> Any:
        child.otel_run_told = True
        return terminate(child)

    @wraps(wait)
    def wait_for(child: Any, timeout: float | None = None) -> Any:
        if getattr(child, "otel_run_told", False):
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
    """Send the child a signal now and then that nobody ignores more easily, until it has ended."""
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
