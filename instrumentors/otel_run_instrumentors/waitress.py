"""Waitress: one server span per request that its server receives, for any application.

The server keeps the application, within a middleware of its own that drops or believes what proxies
say: the span is around both, as under every other server.
"""

from __future__ import annotations

from otel_run.engine import Instrumentor, Loaded
from otel_run_instrumentors import wsgi

INSTRUMENTOR = Instrumentor(
    library="waitress",
    versions=">=2.0",
    convention=wsgi.convention(),
    layer=1,
    targets=(Loaded("waitress.server:BaseWSGIServer.__init__", "application", wsgi.SERVE),),
)
