"""asgiref: an application of WSGI that it serves as one of ASGI is part of the same request.

`build_environ` is handed the body, which becomes the environment's input.
"""

from __future__ import annotations

from otel_run.engine import Call, Detail, Instrumentor
from otel_run.engine.http_server_detail import HttpServerDetail
from otel_run_instrumentors import asgi


def read_body(call: Call) -> HttpServerDetail:
    return HttpServerDetail(inner=call.arg(1, "body"))


INSTRUMENTOR = Instrumentor(
    library="asgiref",
    versions=">=3.6",
    convention=asgi.convention(),
    layer=0,
    targets=(Detail("asgiref.wsgi:WsgiToAsgiInstance.build_environ", before=read_body),),
)
