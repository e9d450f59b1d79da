"""Starts one command, waits for it, and prints what it cost.

The kernel counts the memory of the process that forks into the peak of its child, so
this one stays smaller than anything it measures: `python -I -S starter.py COMMAND…`.
The last line on stdout: seconds of CPU, peak memory in KiB, exit status.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    command = sys.argv[1:]
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    cost = (usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
    print(*cost)


main()
