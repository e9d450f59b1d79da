"""How a process is told of its run: by an entry of PYTHONPATH, `FOLDER#otel-run=PID`.

PID, the process that speaks for the run, is added by that. A variable of our own would cost the
program: requests goes through all of them four times a call.
"""

from __future__ import annotations

import os

# sitecustomize.py takes what has it off `sys.path`: it is no folder.
MARK = "#otel-run="
# What an entry cannot hold as it is.
SEPARATOR = f"%{ord(os.pathsep):02X}"

# That of this process, as it was at the start: the program may change PYTHONPATH.
own = ""


def find(python_path: str) -> str:
    """Return the first entry of a run; "" without one."""
    return next((one for one in python_path.split(os.pathsep) if MARK in one), "")


def read(entry: str) -> tuple[str, str]:
    """Return the folder, and the process as text; each "" without one."""
    folder, _, root = entry.rpartition(MARK)
    return folder.replace(SEPARATOR, os.pathsep).replace("%25", "%"), root


def write(folder: str) -> str:
    """Return the entry of a run for which no process speaks yet."""
    return folder.replace("%", "%25").replace(os.pathsep, SEPARATOR) + MARK
