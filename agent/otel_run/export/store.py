"""The destination `local`: requests kept in files, which the viewer reads."""

from __future__ import annotations

import os

from otel_run import notice
from otel_run.export.store_file import FRAME_HEADER_SIZE, SIGNALS, StoreFile
from otel_run.export.tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_run.settings import Settings
    from otel_run.signals.span import Span

# Bytes of a process's file, and of a run, which also has no more than so many files. What a run
# has is looked at whenever a file has grown by GROWTH. Tallies are small, and always written.
FILE_SIZE = 64 << 20
RUN_SIZE = 256 << 20
RUN_FILES = 4096
GROWTH = 8 << 20


class LocalStore:
    """Writes what it is offered at once; `dropped` and `delivered` count records.

    The file is made with the first record, and another one wherever the first is lost. Why
    something cannot be stored is said once, in a process and its forked children.
    """

    is_local = True
    keeps = True
    may_look_up = True
    room = True

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.run_folder or _new_folder(settings)
        self._told = False
        self._file: StoreFile | None = None
        self.tally = Tally()
        self.note: Callable[[Span], None] = self.tally.add
        self._begin()

    def _begin(self) -> None:
        self._looked_at = -GROWTH
        self._is_full = False
        self._refuses = False
        self._has_news = False  # for the tally; of what is not offered yet there is none
        self._written_tally = b""
        self.dropped = dict.fromkeys(SIGNALS, 0)
        self.delivered = dict.fromkeys(SIGNALS, 0)

    def load(self) -> None:
        """Import what writing needs, where there is such a thing."""
        try:
            import fcntl  # noqa: F401
        except ImportError:
            return

    def offer(self, signal: str, payload: bytes, count: int) -> None:
        """Store a request of so many records, or drop it."""
        self._has_news = True
        if self._append(signal, payload):
            self.delivered[signal] += count
            return
        self.dropped[signal] += count
        if signal == "traces":
            self.lose(count)

    def lose(self, count: int) -> None:
        """Count spans that are not in the file."""
        self._has_news = True
        self.tally.dropped += count

    def pump(self, now: float, deadline: float | None = None) -> None:  # noqa: ARG002
        """Store the tally, if there is something new in it; there never is anything to send."""
        # A run that is full gets but one more.
        if deadline is not None or (self._has_news and not self._refuses):
            self.write_tally()

    def write_tally(self) -> None:
        """Store the tally as it is now; it replaces the one before."""
        self._has_news = False
        tally = self.tally
        if tally.spans or tally.dropped:
            text = tally.encode()
            if text != self._written_tally and self._append("tally", text):
                self._written_tally = text

    def interrupt(self) -> None:
        """Do nothing: what is under way takes no time."""

    def pause(self) -> None:
        """Do nothing: what is under way takes no time."""

    def after_fork_in_child(self) -> None:
        """Leave the file to the parent; the next record makes one of the child's own."""
        self.close()
        self.tally.clear()
        self._begin()

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _append(self, signal: str, payload: bytes) -> bool:
        try:
            file = self._usable_file()
            if signal != "tally":
                self._refuses = not self._has_room(file.size, len(payload))
                if self._refuses:
                    return False
            file.append(SIGNALS[signal], payload)
        except OSError as error:
            reason = error.strerror or str(error)
            self._tell(
                f"cannot store telemetry in {self._folder}: {reason}; it is dropped "
                "(OTEL_RUN_STORE names another place)"
            )
            return False
        return True

    def _usable_file(self) -> StoreFile:
        if self._file is None or not self._file.is_usable():
            self.close()
            self._looked_at = -GROWTH
            self._file = StoreFile(self._folder)
        return self._file

    def _has_room(self, size: int, more: int) -> bool:
        size += FRAME_HEADER_SIZE + more
        if size - self._looked_at >= GROWTH and not self._is_full:
            self._looked_at = size
            self._is_full = is_full(self._folder, more)
        if self._is_full:
            self._tell(f"the run has {RUN_SIZE >> 20} MiB in {self._folder}: the rest is dropped")
            return False
        if size > FILE_SIZE:
            self._tell(f"a process has stored {FILE_SIZE >> 20} MiB: what it records is dropped")
            return False
        return True

    def _tell(self, line: str) -> None:
        if not self._told:
            self._told = True
            notice.say(line)


def is_full(folder: str, more: int = 0) -> bool:
    """Whether a run has as many files, or with `more` bytes as many bytes, as it may have."""
    size, files = more, 0
    with os.scandir(folder) as entries:
        for entry in entries:
            files += 1
            size += entry.stat(follow_symlinks=False).st_size
            if size > RUN_SIZE or files > RUN_FILES:
                return True
    return False


def _new_folder(settings: Settings) -> str:
    """Name a run of this process and its forks, which no launcher has named."""
    from otel_run.run_name import new_run_name
    from otel_run.signals.resource import attributes

    name = new_run_name(str(attributes(settings)["service.name"]))
    return os.path.join(settings.store, "runs", name)
