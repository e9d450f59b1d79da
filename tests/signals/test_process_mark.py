from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING

import pytest

from otel_run.signals.process_mark import Asked, mark_process

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def in_child(fork: Callable[[], int], answer: Callable[[], bool]) -> bool:
    """Ask in a forked child, which does nothing else."""
    pid = fork()
    if pid == 0:
        os._exit(int(answer()))
    return bool(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


# Python's own, and one that skips its hooks.
@pytest.mark.parametrize("fork", [os.fork, ctypes.PyDLL(None).fork], ids=["Python's", "C's"])
@pytest.mark.parametrize("make", [mark_process, Asked])
def test_a_child_has_no_mark_before_it_makes_its_own(
    make: Callable[[], Asked], fork: Callable[[], int]
) -> None:
    mark = make()

    assert mark[0]
    assert not in_child(fork, lambda: bool(mark[0]))
    assert in_child(fork, lambda: bool(make()[0]))
    assert mark[0]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems wipe nothing")
def test_linux_wipes_it() -> None:
    assert not isinstance(mark_process(), Asked)
