"""a2wsgi: an application of WSGI that it serves as one of ASGI is part of the same request.

uvicorn's `--interface wsgi` uses it where it is installed.
"""

from __future__ import annotations

from otel_run.engine import Detail, Instrumentor
from otel_run_instrumentors import asgi

INSTRUMENTOR = Instrumentor(
    library="a2wsgi",
    versions=">=1.7",
    convention=asgi.convention(),
    layer=0,
    targets=(Detail("a2wsgi.wsgi:WSGIResponder.wsgi", before=asgi.read_bridge),),
)
