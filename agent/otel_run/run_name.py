"""The names of runs in the local store: their order is that of the times at which runs began."""

from __future__ import annotations

import os
import time

CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
SERVICE_LENGTH = 40
TIME_SHAPE = "00000000T000000.000Z-"


def new_run_name(service: str) -> str:
    """Return `20261123T010203.004Z-app-1a2b` for a run of the service that begins now."""
    now = time.time_ns() // 1_000_000
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now // 1000))
    cleaned = "".join(c if c in CHARACTERS else "-" for c in service[:SERVICE_LENGTH])
    return f"{moment}.{now % 1000:03}Z-{cleaned}-{os.urandom(2).hex()}"


def is_run_name(name: str) -> bool:
    """Whether a name begins with such a time."""
    start = name[: len(TIME_SHAPE)]
    return "".join("0" if c in "0123456789" else c for c in start) == TIME_SHAPE
