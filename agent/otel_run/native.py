"""The interpreter's own thread primitives and clocks, taken before the program can replace them.

gevent and eventlet put their own into `_thread` and `time`, and freezegun stops the clocks wherever
it finds them. This module is imported at start-up, before any of them, and the agent takes these
names from here alone.
"""

from __future__ import annotations

from _thread import allocate_lock, get_ident, get_native_id, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
    import time
    from collections.abc import Iterable
else:
    import _signal as signals  # `signal` imports enum
    import sys
    import time as _time

    # A copy of the module, in which nobody replaces anything.
    time = type(sys)("time")
    vars(time).update(vars(_time))

__all__ = [
    "ReentrantLock",
    "allocate_lock",
    "block_signals",
    "get_ident",
    "get_native_id",
    "restore_signals",
    "start_new_thread",
    "time",
]

# Seconds between two looks at a lock that another thread holds, which is never for long.
LOOK = 0.000_05

# What a thread itself causes, and has to take.
FAULTS = ("SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP")


def block_signals() -> Iterable[int]:
    """Take none in this thread nor in those that it starts; return which were blocked before.

    A handler of the program's that is due is called here, and may raise.
    """
    if not hasattr(signals, "pthread_sigmask"):
        return ()
    before: Iterable[int] = signals.pthread_sigmask(signals.SIG_BLOCK, ())
    try:
        faults = {getattr(signals, name, 0) for name in FAULTS}
        signals.pthread_sigmask(signals.SIG_BLOCK, signals.valid_signals() - faults)
    except BaseException:
        restore_signals(before)
        raise
    return before


def restore_signals(before: Iterable[int]) -> None:
    """Take those again that were not blocked."""
    if hasattr(signals, "pthread_sigmask"):
        signals.pthread_sigmask(signals.SIG_SETMASK, before)


class ReentrantLock:
    """What recording locks: a signal handler or a finalizer may record while its thread holds it.

    It is no `RLock`: eventlet looks for all that there are, replaces those that it can reach, and
    complains of the others. No moment is left in which a signal handler would wait for the thread
    that it has interrupted: who holds it is set and found in one step.
    """

    __slots__ = ("_holder", "_outermost")

    def __init__(self) -> None:
        self._holder: dict[None, tuple[int]] = {}
        self._outermost: list[bool] = []

    def __enter__(self) -> None:
        mine = (get_ident(),)
        while (holder := self._holder.setdefault(None, mine)) != mine:
            time.sleep(LOOK)
        self._outermost.append(holder is mine)

    def __exit__(self, *error: object) -> None:
        if self._outermost.pop():
            del self._holder[None]
