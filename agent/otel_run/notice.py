"""The only writer to stderr: whole lines, prefixed, never into what the program captures."""

from __future__ import annotations

import os
import sys

from otel_run.native import time
from otel_run.shadow import find_shadow

PREFIX = "otel-run: "
# A pipe that polls as writable takes this many octets (PIPE_BUF) without blocking.
LONGEST = 4096
# How long a reader of stderr may keep us waiting.
PATIENCE_MS = 50
INTERVAL = 60.0
NEVER = float("inf")
KINDS = 8


def say(line: str) -> None:
    """Write one line to the stderr that the process began with; never raises, never hangs."""
    try:
        _write(line)
    except Exception:
        return  # there is nowhere left to say it


def inform(line: str) -> None:
    """Say what is of interest but no complaint, unless `-q` asked for silence."""
    from otel_run import settings

    if settings.current().verbosity >= 0:
        say(line)


def complain(key: str, line: str) -> None:
    """Say a line that may come again and again: one a minute in all, whatever the keys."""
    allowed = RATION.draw(key, time.monotonic())
    if allowed is not None:
        say(line + allowed)
    elif RATION.next == NEVER:
        UNTOLD.setdefault(key, line)


def complain_of_loss(key: str, line: str) -> None:
    """Complain with a sum of what is lost; one that is withheld now is said at the end."""
    UNTOLD[key] = line
    allowed = RATION.draw(key, time.monotonic())
    if allowed is not None:
        del UNTOLD[key]
        say(line + allowed)


def withhold() -> None:
    """Keep all complaints for `conclude`: the process ends."""
    RATION.next = NEVER


def conclude() -> None:
    """Say in one line what was withheld for now, and what has been lost and not been told."""
    RATION.next = time.monotonic() + INTERVAL
    lines = list(UNTOLD.values())
    UNTOLD.clear()
    if lines:
        say("; ".join(lines))


class Ration:
    """One line an interval of seconds, and a count of what was withheld since."""

    __slots__ = ("count", "kinds", "next")

    def __init__(self) -> None:
        self.next = float("-inf")
        self.count = 0
        self.kinds: dict[str, None] = {}

    def draw(self, key: str, now: float) -> str | None:
        """What to add to a line of this kind at `now` (seconds); None to withhold it."""
        if now < self.next:
            self.count += 1
            if len(self.kinds) < KINDS:
                self.kinds[key] = None
            return None
        others = [kind for kind in self.kinds if kind != key]
        more = f" (+{self.count} more in the last minute" if self.count else ""
        if others:
            more += f", also of {', '.join(others)}"
        self.next = now + INTERVAL
        self.count = 0
        self.kinds = {}
        return f"{more})" if more else ""


RATION = Ration()

# By key, what is told at the end, unless it is before.
UNTOLD: dict[str, str] = {}


def escape(text: str) -> str:
    """`text` with whatever a terminal would obey, and not show, spelled out."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def _write(line: str) -> None:
    # What the program puts into sys.stderr is its own; and where it was started without a stderr,
    # the number 2 may by now be a file of the program's.
    stream = sys.__stderr__
    if stream is None or stream.closed:
        return
    descriptor = stream.fileno()
    # What the program has opened itself is not for its children; it got the number by accident.
    if not os.get_inheritable(descriptor):
        return
    encoded = (PREFIX + escape(line)).encode(stream.encoding, "backslashreplace")
    if _is_writable(descriptor):
        # Past the stream's buffer and lock: a child may have been forked while that was held.
        os.write(descriptor, encoded[: LONGEST - 1] + b"\n")


def _is_writable(descriptor: int) -> bool:
    if find_shadow(("select",)):
        return True
    import select

    # A green-thread library puts its own poll there, which would run its loop in our thread.
    if getattr(getattr(select, "poll", None), "__module__", None) != "select":
        return True
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)
    ready = poller.poll(PATIENCE_MS)
    # Writing into a pipe without a reader would end a program that has restored SIGPIPE.
    return bool(ready) and not ready[0][1] & (select.POLLERR | select.POLLHUP)
