"""A server of the benchmark in a process of its own, so that its CPU is not the program's."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def running(module: str) -> Iterator[str]:
    """Run the module, which prints its port; the URL it serves."""
    command = (sys.executable, "-m", module)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
