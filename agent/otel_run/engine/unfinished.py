"""What is still open when the process ends: recorded with what is known of it by then.

Nobody keeps a list of what is open, for every call would pay for it. The garbage collector knows
every object: it is asked once, at the end, where Python itself collects, which takes longer.
"""

from __future__ import annotations

import gc

from otel_run.engine.operation import Operation
from otel_run.export.pipeline import PIPELINE
from otel_run.guard import caught
from otel_run.native import time
from otel_run.signals import ids
from otel_run.signals.span import Extras, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

INCOMPLETE = "otel_run.incomplete"


def record_open() -> None:
    """Hand over a copy of each open operation, once; its own end then only counts its point."""
    if not ids.drawn():
        return  # nothing ever began
    for operation in _open_operations():
        try:
            copy = _as_known_now(operation)
            # No second thread comes in between: one that ends it after this is the late one.
            operation.extras = Extras()
            operation.extras.is_told = True
            PIPELINE.record(copy)
        except Exception as error:  # noqa: PERF203  each fails by itself
            caught(error, "unfinished")


def _open_operations() -> Iterator[Operation]:
    # An instance refers to its class. (A list of all objects would take twice the time, and
    # memory; in a forked child, counting references would copy the parent's.)
    for found in gc.get_referrers(*_classes(Operation)):
        if isinstance(found, Operation) and _is_open(found):
            yield found


def _classes(kind: type) -> list[type]:
    children: list[type] = kind.__subclasses__()
    return [kind, *(one for child in children for one in _classes(child))]


def _is_open(operation: Operation) -> bool:
    # Another thread may be about to make it: `start` is what it gets last.
    start = getattr(operation, "start", 0)
    if start <= PIPELINE.born or operation.end or not operation.sampled:
        return False
    return operation.extras is None or not operation.extras.is_told


def _as_known_now(operation: Operation) -> Span:
    copy = Span(
        operation.trace_id,
        operation.span_id,
        operation.parent_id,
        operation.sampled,
        operation.parent_is_remote,
        operation.trace_state,
        operation.values,
        operation.description,
        operation.start,
    )
    copy.outcome = operation.convention.known(operation)
    copy.attributes = {**(operation.attributes or {}), INCOMPLETE: True}
    copy.extras = operation.extras
    copy.peer = operation.peer
    copy.end = time.perf_counter_ns()
    return copy
