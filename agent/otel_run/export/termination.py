"""SIGTERM: what was recorded is sent before the process ends, as it would have ended.

Only where nobody handles the signal. The handler is put in place by the main thread when the
first instrumented library is imported: later, the first record may come from another thread, which
cannot. A program that chains our handler behind its own gets the flush, and stays alive.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
    from collections.abc import Callable
else:
    import _signal as signals  # `signal` imports enum

WAIT = 1.0  # s


class Handler:
    """What is called when the signal comes."""

    def __init__(self, flush: Callable[[float], None]) -> None:
        self.flush = flush
        self._flushing = 0  # the process that is about it: one that it forks is not

    def __call__(self, number: int, frame: object) -> None:  # noqa: ARG002  the signature of such
        """Flush, and end as if nobody had handled it.

        The signal may come again meanwhile: servers send it to their workers when they are told to
        end, and `multiprocessing` to its daemons at the parent's end.
        """
        if self._flushing == os.getpid():
            return
        self._flushing = os.getpid()
        try:
            self.flush(WAIT)
        finally:
            self._flushing = 0
            if signals.getsignal(signals.SIGTERM) is self:
                signals.signal(signals.SIGTERM, signals.SIG_DFL)
                os.kill(os.getpid(), signals.SIGTERM)


def arm(flush: Callable[[float], None]) -> None:
    """Take SIGTERM, if it would end the process and this is the main thread."""
    try:
        if signals.getsignal(signals.SIGTERM) == signals.SIG_DFL:
            signals.signal(signals.SIGTERM, Handler(flush))
    except ValueError:
        pass  # not the main thread


def hold() -> bool:
    """Have the signal wait, in this thread, where we handle it; return whether it does now.

    For Python forgets what has come to a child before it knows that it is one. Without us the child
    would have ended.
    """
    if not isinstance(signals.getsignal(signals.SIGTERM), Handler):
        return False
    return signals.SIGTERM not in signals.pthread_sigmask(signals.SIG_BLOCK, (signals.SIGTERM,))


def release() -> None:
    """Let the signal come."""
    signals.pthread_sigmask(signals.SIG_UNBLOCK, (signals.SIGTERM,))
