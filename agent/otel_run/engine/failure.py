"""An exception as an event: type, message and stack trace (semantic conventions, exceptions).

The stack trace names files, lines and functions, and holds no source line: a line may hold a
literal, and reading it would be file access in the middle of the program's call.
"""

from __future__ import annotations

import sys

from otel_run.engine.frames import UNSEEN
from otel_run.engine.redaction import redact_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, MutableMapping
    from types import FrameType, TracebackType

    from otel_run.signals.values import Attributes

FRAME_LIMIT = 64
CALLER_LIMIT = 16
EXCEPTION_LIMIT = 8
NOTE_LIMIT = 8

CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def error_type(error: BaseException) -> str:
    """Return the exception's full name, without the module for a builtin."""
    kind = type(error)
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def message_of(error: BaseException, values: Collection[str]) -> str:
    """Return the redacted text of the exception; a broken `__str__` gives none."""
    try:
        text = str(error)
    except Exception:
        return ""
    return redact_text(text, values) if text else ""


def handled_since(
    around: BaseException | None, given: BaseException | None = None
) -> BaseException | None:
    """Return the exception `given`, else the one that is handled now; None for the one `around`."""
    error = given or sys.exc_info()[1]
    return None if error is around else error


def describe_failure(error: BaseException, values: Collection[str] = ()) -> Attributes:
    """Return the attributes of the event `exception`; `values` must not be in them.

    They are remembered, for the exception may leave further spans, alone or as a cause.
    """
    told = list(_told(error, set()))
    errors = (part for part in told if isinstance(part, BaseException))
    secrets = set(values).union(*map(_secrets_of, errors))
    _remember(error, secrets)
    parts = (part if isinstance(part, str) else _one(part, secrets, error) for part in told)
    return {
        "exception.type": error_type(error),
        "exception.message": message_of(error, secrets),
        "exception.stacktrace": "".join(parts),
    }


_secrets: list[MutableMapping[BaseException, Collection[str]]] = []


def _secrets_of(error: BaseException) -> Collection[str]:
    try:
        return _secrets[0].get(error, ()) if _secrets else ()
    except TypeError:  # as below
        return ()


def _remember(error: BaseException, secrets: Collection[str]) -> None:
    if not secrets:
        return
    if not _secrets:
        from weakref import WeakKeyDictionary

        _secrets.append(WeakKeyDictionary())
    try:
        _secrets[0][error] = secrets
    except TypeError:
        return  # not every exception is hashable, or can be held weakly


def _told(error: BaseException, seen: set[int]) -> Iterator[BaseException | str]:
    """Give what is told of an exception in its order: others, and the words in between."""
    for one, link in reversed(list(_chain(error, seen))):
        yield one
        inner = _inner(one)
        for number, part in enumerate(inner, 1):
            if id(part) not in seen and len(seen) < EXCEPTION_LIMIT:
                yield f"\nException {number} of {len(inner)} in it:\n\n"
                yield from _told(part, seen)
        yield link


def _chain(error: BaseException, seen: set[int]) -> Iterator[tuple[BaseException, str]]:
    """Give the exception and what it comes from, each with how it led to the one before."""
    current: BaseException | None = error
    link = ""
    while current is not None and id(current) not in seen and len(seen) < EXCEPTION_LIMIT:
        seen.add(id(current))
        yield current, link
        if current.__cause__ is not None:
            current, link = current.__cause__, CAUSE
        elif current.__suppress_context__:
            return
        else:
            current, link = current.__context__, CONTEXT


def _inner(error: BaseException) -> tuple[BaseException, ...]:
    """Return the exceptions in a group, be it Python's, or its like for Python 3.10."""
    try:
        inner = error.exceptions  # type: ignore[attr-defined]
    except Exception:
        return ()
    is_group = isinstance(inner, tuple) and all(isinstance(one, BaseException) for one in inner)
    return inner if is_group else ()


def _one(error: BaseException, values: Collection[str], outermost: BaseException) -> str:
    frames = [*_frames(error.__traceback__)]
    if error is outermost:
        frames[:0] = _callers(error.__traceback__)
    if len(frames) > FRAME_LIMIT:
        half = FRAME_LIMIT // 2
        frames[half:-half] = [f"  [{len(frames) - FRAME_LIMIT} frames left out]\n"]
    head = "Traceback (most recent call last):\n" if frames else ""
    message = message_of(error, values)
    last = f"{error_type(error)}: {message}\n" if message else f"{error_type(error)}\n"
    return "".join((head, *frames, last, *_notes(error, values)))


def _notes(error: BaseException, values: Collection[str]) -> Iterator[str]:
    notes = getattr(error, "__notes__", ())
    for note in notes[:NOTE_LIMIT] if isinstance(notes, list) else ():
        if isinstance(note, str):
            yield f"{redact_text(note, values)}\n"


def _frames(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename != UNSEEN:
            yield _line(traceback.tb_frame, traceback.tb_lineno)
        traceback = traceback.tb_next


def _callers(traceback: TracebackType | None) -> list[str]:
    """Give the frames that the exception has not come through yet, the outermost first.

    Ours is the first that it came through: without them nothing would tell who has called.
    """
    frame = None if traceback is None else traceback.tb_frame.f_back
    lines: list[str] = []
    while frame is not None and len(lines) < CALLER_LIMIT:
        if frame.f_code.co_filename != UNSEEN:
            lines.append(_line(frame, frame.f_lineno))
        frame = frame.f_back
    return lines[::-1]


def _line(frame: FrameType, number: int) -> str:
    code = frame.f_code
    name = getattr(code, "co_qualname", code.co_name)  # 3.11 knows the class as well
    return f'  File "{code.co_filename}", line {number}, in {name}\n'
