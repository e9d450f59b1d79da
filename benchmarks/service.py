"""A server of the benchmark in a process of its own, so that its CPU is not the program's."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent


@contextlib.contextmanager
def running(module: str, *descriptors: int) -> Iterator[str]:
    """Run the module, which prints its port; the URL it serves. It inherits the descriptors."""
    command = (sys.executable, "-m", module, *map(str, descriptors))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, pass_fds=descriptors, cwd=ROOT
    ) as process:
        try:
            assert process.stdout
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
