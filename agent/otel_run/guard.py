"""What happens to our own mistakes: counted, kept for the tests, and never the program's."""

from __future__ import annotations

from otel_run import notice

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
    from collections import deque
    from collections.abc import Callable, Iterator
    from types import CodeType
    from typing import Any
else:
    import _signal as signals  # `signal` imports enum
    from _collections import deque

# So many from one place, and it turns itself off.
LIMIT = 10
LONGEST_TEXT = 500

CODE = type((lambda: None).__code__)


class Mistake(Exception):  # noqa: N818  so that it reads as what it is
    """Stands for an error that was swallowed.

    The error itself is not kept: through its traceback it holds the variables of every caller,
    which are the program's, and it may be an exception that the program raises again.
    """

    def __init__(self, error: BaseException, where: str) -> None:
        self.kind = type(error)
        self.where = where
        self.places = list(_places(error))
        self.text = _text(error)
        super().__init__(f"{where}: {self.text}", *self.places)

    @property
    def place(self) -> str:
        """The file and line that raised it."""
        return self.places[-1] if self.places else "an unknown place"


# What was swallowed, the newest last.
ERRORS: deque[Mistake] = deque(maxlen=100)

# By where it happened: an instrumentor's library, or a part of the agent such as "export".
counts: dict[str, int] = {}
turn_off: dict[str, Callable[[], object]] = {}


def caught(error: BaseException, where: str) -> None:
    """Take an error of ours that was kept from the program, and raise none of ours.

    What is no error, and what a signal handler of the program's has raised while our code ran,
    a time-out for example, is meant for the program: that goes on.
    """
    if not isinstance(error, Exception) or _is_interruption(error):
        raise error
    try:
        _take(Mistake(error, where))
    except Exception:
        return  # the last line of defence has none behind it


def _take(mistake: Mistake) -> None:
    from otel_run import settings

    where = mistake.where
    counts[where] = counts.get(where, 0) + 1
    ERRORS.append(mistake)
    if settings.current().verbosity > 0:
        notice.say(f"internal error in {where}: {mistake.text} ({mistake.place})")
    if counts[where] == LIMIT:
        _give_up(mistake)


def _give_up(mistake: Mistake) -> None:
    stop = turn_off.pop(mistake.where, None)
    outcome = "; it is turned off" if stop else ""
    # Without the message, which may hold what nobody asked to see.
    notice.say(
        f"{LIMIT} internal errors in {mistake.where}, the last one {mistake.kind.__name__} at "
        f"{mistake.place}{outcome}; the program is not affected"
    )
    if stop:
        stop()


def _is_interruption(error: Exception) -> bool:
    """Tell whether it comes from a handler that Python has called in between, for a signal."""
    try:
        handlers = {_code(signals.getsignal(number)) for number in signals.valid_signals()}
        handlers.discard(None)
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code in handlers:
                return True
            trace = trace.tb_next
    except Exception:
        return False  # whatever the program's objects make of being asked
    return False


def _code(handler: Any) -> CodeType | None:
    """Return the code of a function, a method, a partial function or an object that is called."""
    while type(handler).__name__ == "partial":
        handler = handler.func
    code = getattr(handler, "__code__", None)
    if code is None and handler is not None:
        code = getattr(type(handler).__call__, "__code__", None)
    return code if type(code) is CODE else None


def _text(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return f"{name}: {error}"[:LONGEST_TEXT]
    except Exception:
        return name


def _places(error: BaseException) -> Iterator[str]:
    trace = error.__traceback__
    while trace is not None:
        yield f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
