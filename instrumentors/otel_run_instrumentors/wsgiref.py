"""wsgiref: one server span per request, for any application that its handlers run."""

from __future__ import annotations

from otel_run.engine import Application, Instrumentor
from otel_run_instrumentors import wsgi

INSTRUMENTOR = Instrumentor(
    library="wsgiref",
    versions=">=3.10",
    convention=wsgi.convention(),
    layer=1,
    targets=(Application("wsgiref.handlers:BaseHandler.run", 0, "application", wsgi.SERVE),),
)
