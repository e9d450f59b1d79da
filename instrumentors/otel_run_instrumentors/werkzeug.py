"""Werkzeug: one server span per request that its server receives, for any application.

The server keeps the application it is made with; its handlers call it from there.
"""

from __future__ import annotations

from otel_run.engine import Application, Instrumentor
from otel_run_instrumentors import wsgi

INSTRUMENTOR = Instrumentor(
    library="werkzeug",
    versions=">=2.0",
    convention=wsgi.convention(),
    layer=1,
    targets=(Application("werkzeug.serving:BaseWSGIServer.__init__", 2, "app", wsgi.SERVE),),
)
