"""The command line that has started this program, also where Python does not keep it."""

from __future__ import annotations

import os
import sys

# How a child of multiprocessing begins that is no fork, and Celery's.
STARTERS = ("from multiprocessing.", "from billiard.")


def find() -> list[str]:
    """Return it as `sys.orig_argv` has it, and in a child as in its parent."""
    argv = sys.orig_argv or _system_s()
    if any(word.startswith(STARTERS) for word in argv):
        return _parent_s()
    return argv


def _system_s() -> list[str]:
    """Return that of a program that has a Python in itself, and tells it nothing."""
    try:
        with open("/proc/self/cmdline", "rb") as file:
            return os.fsdecode(file.read()).split("\0")[:-1]
    except OSError:
        return []


def _parent_s() -> list[str]:
    """Return it as far as multiprocessing hands it on: the arguments, and the main module."""
    spec = getattr(sys.modules.get("__mp_main__"), "__spec__", None)
    target = sys.argv[:1] if spec is None else ["-m", spec.name]
    return ["python", *target, *sys.argv[1:]]
