"""How many requests of the same purpose went before: noted on what libraries call a request.

All that one call leads to, by redirects and challenges, shares a count. A request has it as `NEXT`
until it is sent for the first time, and as `SENT` from then on.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Names that no class of the program's has for something else.
NEXT = "_otel_run_next"
SENT = "_otel_run_sent"


def count_sending(request: Any, *, is_answer: bool = True) -> int:
    """Count the request that is sent now; return how many went before it.

    One that was sent before is so again to answer something, or else the program has begun anew.
    """
    marks = request.__dict__
    count: list[int] = marks.pop(NEXT, None) or (is_answer and marks.get(SENT)) or [0]
    marks[SENT] = count
    count[0] += 1
    return count[0] - 1


def follow(before: Any, request: Any) -> None:
    """Note on the request that the one before led to it."""
    request.__dict__[NEXT] = before.__dict__.get(SENT, [1])


def begin(request: Any) -> None:
    """Note that the program sends the request, which it may have done before."""
    request.__dict__.pop(SENT, None)
