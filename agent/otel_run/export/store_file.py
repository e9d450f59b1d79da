"""One process's file of the local store: a header, then frames, each of them one `write`.

A frame is 1 byte signal, 4 bytes big-endian length, payload. Nothing is kept back, so that whatever
kills the process leaves whole frames behind.
"""

from __future__ import annotations

import errno
import os

from otel_run.export.descriptor import raise_descriptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# Magic and version.
HEADER: Final = b"OTELRUN\x01"
SIGNALS: Final = {"tally": 0, "traces": 1, "metrics": 2, "logs": 3}
FRAME_HEADER_SIZE = 5
EXTENSION: Final = ".otlp"

_NEW = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
_NEW |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class StoreFile:
    """A new file in a folder that is made where it is missing; raises OSError.

    While the process lives the file is locked, so that the launcher can tell which runs are over.
    """

    __slots__ = ("_descriptor", "_identity", "_pid", "_torn", "size")

    def __init__(self, folder: str) -> None:
        make_folder(folder)
        self._pid = os.getpid()
        path = os.path.join(folder, f"{self._pid}-{os.urandom(4).hex()}{EXTENSION}")
        self._descriptor = raise_descriptor(os.open(path, _NEW, 0o600))
        status = os.fstat(self._descriptor)
        self._identity = status.st_dev, status.st_ino
        self._torn = False
        self.size = 0
        try:
            _lock(self._descriptor)
            self._write(HEADER)
        except OSError:
            self.close()
            os.unlink(path)
            raise

    def is_usable(self) -> bool:
        """Whether what is written would still arrive, in this process's file.

        A program may have closed every descriptor that it found, and opened files of its own; it
        may have forked without telling; somebody may have deleted the run.
        """
        if self._torn or self._pid != os.getpid():
            return False
        status = self._status()
        return status is not None and status.st_nlink > 0

    def append(self, signal: int, payload: bytes) -> None:
        """Write a frame; a disk that takes only a part of it loses the whole."""
        self._write(b"%c%b%b" % (signal, len(payload).to_bytes(4, "big"), payload))

    def close(self) -> None:
        """Let go of the file, and of the lock unless a parent process holds it too."""
        if self._status() is not None:
            os.close(self._descriptor)
        self._torn = True

    def _write(self, content: bytes) -> None:
        if os.write(self._descriptor, content) != len(content):
            self._torn = True
            os.ftruncate(self._descriptor, self.size)
            self._torn = False
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += len(content)

    def _status(self) -> os.stat_result | None:
        """Return the status of the descriptor, if it still is this file's."""
        try:
            status = os.fstat(self._descriptor)
        except OSError:
            return None
        return status if (status.st_dev, status.st_ino) == self._identity else None


def make_folder(path: str) -> None:
    """Make a folder that only its owner can read, and the same above it."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_folder(os.path.dirname(path))
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            return  # another process was faster


def _lock(descriptor: int) -> None:
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return  # a system or a disk without locks; the run may be taken for finished
