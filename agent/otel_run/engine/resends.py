"""How many requests of the same purpose went before: noted on what libraries call a request.

All that one call leads to, by redirects and challenges, shares a count. A request has it as `NEXT`
until it is sent for the first time, and as `SENT` from then on. Where one call of an outer library
sends a request more than once, what stays the same of it has the span as `WITHIN`.
"""

from __future__ import annotations

from otel_run.engine.http_client import ClientOperation
from otel_run.signals.context import CURRENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Names that no class of the program's has for something else.
NEXT = "_otel_run_next"
SENT = "_otel_run_sent"
WITHIN = "_otel_run_within"


def count_sending(request: Any, *, is_answer: bool = True) -> int:
    """Count the request that is sent now; return how many went before it.

    One that was sent before is so again to answer something, or else the program has begun anew.
    """
    marks = request.__dict__
    count: list[int] = marks.pop(NEXT, None) or (is_answer and marks.get(SENT)) or [0]
    marks[SENT] = count
    before = count[0]
    count[0] = before + 1
    return before


def follow(before: Any, request: Any) -> None:
    """Note on the request that the one before led to it."""
    request.__dict__[NEXT] = before.__dict__.get(SENT, [1])


def begin(request: Any) -> None:
    """Note that the program sends the request, which it may have done before."""
    request.__dict__.pop(SENT, None)


def is_sent_again(part: Any) -> bool:
    """Tell whether an outer library's operation, if one is open, has sent this part before.

    What the program sends with it in other operations is none of that one's.
    """
    operation = CURRENT.get()
    marks = getattr(part, "__dict__", None)
    if marks is None or type(operation) is not ClientOperation:
        return False
    before: int | None = marks.get(WITHIN)
    marks[WITHIN] = operation.span_id
    return before == operation.span_id
