"""The interpreter's own thread primitives, taken before the program can replace them.

gevent and eventlet put their own into `_thread` and `time`; this module is imported at start-up,
before any of them, and the agent takes these names from here alone.
"""

from __future__ import annotations

from _thread import allocate_lock, get_ident, get_native_id, start_new_thread
from time import sleep

__all__ = ["allocate_lock", "get_ident", "get_native_id", "sleep", "start_new_thread"]
