"""File descriptors out of the program's way.

A program may close every descriptor that it finds, ours among them, and open files of its own. It
gets the lowest numbers that are free, so that a high one does not become one of those while our
thread still uses it. (It also looks, each time: the number may have been closed.)
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket

# Daemons close what lies below 256, or everything.
LOWEST = 300


def raise_descriptor(low: int) -> int:
    """Give a descriptor a high number; it stays as it is where the process may have none."""
    try:
        from fcntl import F_DUPFD_CLOEXEC, fcntl

        high = fcntl(low, F_DUPFD_CLOEXEC, LOWEST)
    except (ImportError, OSError):
        return low
    os.close(low)
    return high


def make_socket(family: int, kind: int, protocol: int) -> socket:
    """Return a new socket of a high number, of the interpreter's own C type."""
    from _socket import socket

    low = socket(family, kind, protocol)
    return socket(family, kind, protocol, raise_descriptor(low.detach()))
