"""A mark that this process has, and no child that it forks, whoever forks it.

Some servers fork without Python's hooks. To ask for the pid at the beginning of each trace is a
system call; to look at a page of memory that the kernel wipes at a fork takes a sixth of that.
"""

from __future__ import annotations

import sys
from os import getpid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Mark(Protocol):
        """True at 0, in the process alone that has written it there."""

        def __getitem__(self, index: int, /) -> int: ...
        def __setitem__(self, index: int, value: int, /) -> None: ...


# From Linux 4.14 on (madvise(2)).
MADV_WIPEONFORK = 18


class Asked:
    """The mark where the system wipes nothing."""

    def __init__(self) -> None:
        self.process = 0

    def __getitem__(self, index: int) -> int:
        return self.process == getpid()

    def __setitem__(self, index: int, value: int) -> None:
        self.process = getpid()


def make_mark() -> Mark:
    """Make what no process has marked yet."""
    if sys.platform != "linux":
        return Asked()
    try:
        from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

        page = mmap(-1, 1, flags=MAP_PRIVATE | MAP_ANONYMOUS)
        page.madvise(MADV_WIPEONFORK)
    except (ImportError, OSError):
        return Asked()
    return page
