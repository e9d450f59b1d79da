from __future__ import annotations

import subprocess
import sys

import pytest

from otel_run.signals.process_mark import Asked, make_mark

# A process of one thread: others, whom C's fork forgets, may have asked for the interpreter's lock.
PROGRAM = """
import ctypes, os, sys
from otel_run.signals.process_mark import Asked, make_mark

make = {"make_mark": make_mark, "Asked": Asked}[sys.argv[1]]
fork = {"Python's": os.fork, "C's": ctypes.PyDLL(None).fork}[sys.argv[2]]
mark = make()
told = [bool(mark[0])]
for _ in range(3):
    told.append(bool(mark[0]))
    mark[0] = 1
    told.append(bool(mark[0]))
    pid = fork()
    if pid:
        assert os.waitpid(pid, 0) == (pid, 0)
        assert mark[0]
        break
else:
    told.append(bool(mark[0]))
    print(told)
"""


# Python's own, and one that skips its hooks.
@pytest.mark.parametrize("fork", ["Python's", "C's"])
@pytest.mark.parametrize("make", ["make_mark", "Asked"])
def test_a_child_has_no_mark_before_it_makes_its_own(make: str, fork: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, make, fork],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{[False, *[False, True] * 3, False]}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems wipe nothing")
def test_linux_wipes_it() -> None:
    assert not isinstance(make_mark(), Asked)
