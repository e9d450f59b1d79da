"""The interpreter's own thread primitives, taken before the program can replace them.

gevent and eventlet put their own into `_thread` and `time`; this module is imported at start-up,
before any of them, and the agent takes these names from here alone. What recording locks is an
`RLock`: a signal handler or a finalizer may record while its own thread holds it.
"""

from __future__ import annotations

from _thread import RLock, allocate_lock, get_ident, get_native_id, start_new_thread
from time import sleep

__all__ = ["RLock", "allocate_lock", "get_ident", "get_native_id", "sleep", "start_new_thread"]
