"""What a process writes, while it runs."""

from __future__ import annotations

import re
import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import Popen

# A machine that has much to do takes its time.
PATIENCE = 60.0  # s


class Log:
    """Its stdout and stderr, and its children's, line by line until their end."""

    def __init__(self, process: Popen[str]) -> None:
        self.lines: list[str] = []
        self.grown = threading.Condition()
        streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
        self.open = len(streams)
        self.threads = [threading.Thread(target=self.read, args=(stream,)) for stream in streams]
        for thread in self.threads:
            thread.start()

    def read(self, stream: IO[str]) -> None:
        """Take line by line."""
        for line in stream:
            with self.grown:
                self.lines.append(line)
                self.grown.notify_all()
        with self.grown:
            self.open -= 1
            self.grown.notify_all()

    def await_line(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until it has been written so often; return the last one."""
        assert self.has(pattern, times, PATIENCE), f"no {pattern!r}:\n{self}"
        return self.find(pattern)[times - 1]

    def has(self, pattern: str, times: int, within: float) -> bool:
        """Tell whether it is written so often, in a time that may be too short."""
        with self.grown:
            self.grown.wait_for(lambda: not self.open or len(self.find(pattern)) >= times, within)
            return len(self.find(pattern)) >= times

    def find(self, pattern: str) -> list[re.Match[str]]:
        """Find it wherever it is by now."""
        return list(re.finditer(pattern, str(self)))

    def close(self) -> None:
        """Wait for the end."""
        for thread in self.threads:
            thread.join()

    def __str__(self) -> str:
        return "".join(self.lines)
