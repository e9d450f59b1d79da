"""Hypercorn: one server span per request, for any application that it serves.

Its workers, of asyncio and of trio, call every application in one of two wrappers.
"""

from __future__ import annotations

from otel_run.engine import Detail, Function, Instrumentor
from otel_run_instrumentors import asgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def is_waiting(send: Any) -> bool:
    stream: Any = getattr(send, "__self__", None)
    state = getattr(stream, "state", None)  # none where the wrapper is called by another project
    return getattr(state, "name", "") == "REQUEST" and not stream.closed


INSTRUMENTOR = Instrumentor(
    library="hypercorn",
    versions=">=0.14",
    convention=asgi.convention(is_waiting),
    layer=1,
    targets=(
        Function("hypercorn.app_wrappers:ASGIWrapper.__call__", asgi.SERVE),
        Function("hypercorn.app_wrappers:WSGIWrapper.__call__", asgi.SERVE),
        Detail("hypercorn.app_wrappers:WSGIWrapper.run_app", before=asgi.read_bridge),
    ),
)
