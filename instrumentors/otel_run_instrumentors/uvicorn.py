"""uvicorn: one server span per request, for any application that it has loaded.

After `Config.load` the configuration holds what each protocol calls: the application within
whatever uvicorn puts around it (ProxyHeadersMiddleware, adapters of WSGI and of ASGI 2). So it is
for gunicorn's workers, for several processes, and when it reloads. `Server.serve` raises the signal
again that stopped it, and gunicorn's workers have the signals' defaults.
"""

from __future__ import annotations

from otel_run.engine import Detail, Instrumentor, Lifelong, Loaded
from otel_run_instrumentors import asgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def is_waiting(send: Any) -> bool:
    cycle: Any = getattr(send, "__self__", None)  # a protocol of another project may have none
    return not (getattr(cycle, "response_started", True) or cycle.disconnected)


INSTRUMENTOR = Instrumentor(
    library="uvicorn",
    versions=">=0.20",
    convention=asgi.convention(is_waiting),
    layer=1,
    targets=(
        Loaded("uvicorn.config:Config.load", "loaded_app", asgi.SERVE),
        Lifelong("uvicorn.server:Server.serve"),
        Detail("uvicorn.middleware.wsgi:WSGIResponder.wsgi", before=asgi.read_bridge),
    ),
)
