"""The lock of what is recorded: one thread holds it at a time, as often as it comes."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from otel_run.native import ReentrantLock

if TYPE_CHECKING:
    from collections.abc import Iterator

TURNS = 5000


@pytest.fixture
def interrupted() -> Iterator[list[ReentrantLock]]:
    """Locks that a signal handler takes again and again, while threads give way at every turn."""
    locks: list[ReentrantLock] = []

    def take(*_: object) -> None:
        for lock in locks:
            with lock:
                pass

    interval, before = sys.getswitchinterval(), signal.signal(signal.SIGALRM, take)
    sys.setswitchinterval(1e-5)
    signal.setitimer(signal.ITIMER_REAL, 0.000_2, 0.000_2)
    yield locks
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    sys.setswitchinterval(interval)


def test_threads_and_signal_handlers_never_wait_for_themselves_nor_share_it(
    interrupted: list[ReentrantLock],
) -> None:
    lock = ReentrantLock()
    interrupted.append(lock)
    held: list[int] = []
    count = 0

    def work() -> None:
        nonlocal count
        for _ in range(TURNS):
            with lock:
                held.append(threading.get_ident())
                with lock:
                    count += 1
                assert held.pop() == threading.get_ident()
                assert not held

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()

    assert count == TURNS * 4
