"""gevent: a greenlet runs under what was current where it was started; so do its threads' tasks.

A greenlet begins with an empty context. Its class is C's and cannot be patched, but calls whoever
asks for it when one is started, be it by `spawn`, a pool or a monkey-patched thread.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor
from otel_run.engine.travel import ContextCarrier, Errand, Listener

INSTRUMENTOR = Instrumentor(
    library="gevent",
    versions=">=23.9",
    convention=ContextCarrier(),
    layer=0,
    targets=(
        Listener("gevent.greenlet:Greenlet.add_spawn_callback", context="gr_context"),
        Errand("gevent.threadpool:ThreadPool.spawn", {"func": 0}),
    ),
)
