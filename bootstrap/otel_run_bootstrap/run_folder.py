"""One run of the local store on the disk."""

from __future__ import annotations

import os
import stat

FILE_EXTENSION = ".otlp"
# A link is never followed, and a pipe never waited for.
OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class RunFolder:
    """A folder held open, so that it stays the same one. Its methods raise OSError."""

    __slots__ = ("folder", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder = os.open(path, OPEN | getattr(os, "O_DIRECTORY", 0))

    def __enter__(self) -> RunFolder:  # noqa: PYI034 (Self came with 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.folder)

    def is_finished(self) -> bool:
        """Whether it holds only files that processes wrote, all of which have ended."""
        return all(
            name.endswith(FILE_EXTENSION) and self.is_regular(name) and not self.is_locked(name)
            for name in os.listdir(self.folder)
        )

    def delete(self) -> None:
        for name in os.listdir(self.folder):
            os.unlink(name, dir_fd=self.folder)
        os.rmdir(self.path)

    def is_regular(self, name: str) -> bool:
        status = os.stat(name, dir_fd=self.folder, follow_symlinks=False)
        return stat.S_ISREG(status.st_mode)

    def is_locked(self, name: str) -> bool:
        """Whether the process that writes a file lives: it holds a shared lock."""
        import fcntl

        file = os.open(name, OPEN, dir_fd=self.folder)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False
