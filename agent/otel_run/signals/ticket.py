"""What is current, on its way into another process: plain values, which any Python unpickles.

The module is loaded wherever the agent is and `multiprocessing` is imported. So what arrives
pickled looks for it among the modules that are there, and goes without where there is none.
"""

from __future__ import annotations

from otel_run.guard import caught
from otel_run.signals.context import SUPPRESSED, Node, Suppression

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    # Trace id, span id, sampled, trace state, baggage; nothing of it where nothing may be recorded.
    Ticket = tuple[int, int, bool, str, dict[str, tuple[str, str]]] | tuple[()]

# Under this name it is with a process that is about to start.
TICKET = "_otel_run_ticket"


def issue(node: Node) -> Ticket:
    """Say what another process needs to go on from here."""
    if type(node) is Suppression:
        return ()
    baggage = dict(node.baggage or {})
    return (node.trace_id, node.span_id, node.sampled, node.trace_state, baggage)


def redeem(ticket: Ticket) -> Node:
    """Return what is current where a ticket arrives."""
    if not ticket:
        return SUPPRESSED
    trace_id, span_id, sampled, trace_state, baggage = ticket
    values = {"baggage": baggage} if baggage else None
    return Node(
        trace_id, span_id, sampled=sampled, remote=True, trace_state=trace_state, values=values
    )


def arrive(ticket: Ticket, _: object, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that runs under what was current where it comes from."""
    try:
        from otel_run.engine.travel import Traveller

        return Traveller(function, redeem(ticket))
    except Exception as error:
        caught(error, "context")
        return function
