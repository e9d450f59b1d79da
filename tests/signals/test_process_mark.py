from __future__ import annotations

import subprocess
import sys

import pytest

from otel_run.signals.process_mark import Asked, mark_process

# A process of one thread: others, whom C's fork forgets, may have asked for the interpreter's lock.
PROGRAM = """
import ctypes, os, sys
from otel_run.signals.process_mark import Asked, mark_process

make = {"mark_process": mark_process, "Asked": Asked}[sys.argv[1]]
fork = {"Python's": os.fork, "C's": ctypes.PyDLL(None).fork}[sys.argv[2]]
mark = make()
print(bool(mark[0]), flush=True)
pid = fork()
if pid:
    assert os.waitpid(pid, 0) == (pid, 0)
    print(bool(mark[0]))
else:
    print(bool(mark[0]), bool(make()[0]))
"""


# Python's own, and one that skips its hooks.
@pytest.mark.parametrize("fork", ["Python's", "C's"])
@pytest.mark.parametrize("make", ["mark_process", "Asked"])
def test_a_child_has_no_mark_before_it_makes_its_own(make: str, fork: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, make, fork],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == ["True", "False True", "True"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems wipe nothing")
def test_linux_wipes_it() -> None:
    assert not isinstance(mark_process(), Asked)
