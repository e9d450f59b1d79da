"""SIGTERM: what was recorded is sent before the process ends, as it would have ended.

Only where nobody handles the signal. The handler is put in place by the main thread when the
first instrumented library is imported: later, the first record may come from another thread, which
cannot. A program that chains our handler behind its own gets the flush, and stays alive.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from signal import SIG_DFL, SIGTERM, getsignal, signal
else:
    from _signal import SIG_DFL, SIGTERM, getsignal, signal  # `signal` imports enum

WAIT = 1.0  # s


def arm(flush: Callable[[float], None]) -> None:
    """Take SIGTERM, if it would end the process and this is the main thread."""

    def handle(number: int, frame: object) -> None:  # noqa: ARG001  a signal handler's signature
        installed = getsignal(SIGTERM) is handle
        if installed:
            signal(SIGTERM, SIG_DFL)
        flush(WAIT)
        if installed:
            os.kill(os.getpid(), SIGTERM)

    try:
        if getsignal(SIGTERM) == SIG_DFL:
            signal(SIGTERM, handle)
    except ValueError:
        pass  # not the main thread
