"""eventlet: a green thread runs under what was current where it was started; so do `tpool`'s tasks.

A green thread begins with an empty context. All that start one, pools and monkey-patched threads
among them, make a `GreenThread` or call `_spawn_n`; `eventlet` binds the functions above these
before anything is patched. The native threads of `tpool` serve whoever comes.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.travel import Arrival, ContextCarrier, Departure, Detached, Errand

INSTRUMENTOR = Instrumentor(
    library="eventlet",
    versions=">=0.33.3",
    convention=ContextCarrier(),
    layer=0,
    targets=(
        Departure("eventlet.greenthread:GreenThread.__init__"),
        Arrival("eventlet.greenthread:GreenThread.main"),
        Errand("eventlet.greenthread:_spawn_n", {"func": 1}),
        Errand("eventlet.tpool:execute", {"meth": 0}),
        Detached("eventlet.tpool:setup"),
    ),
)
