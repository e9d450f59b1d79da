"""WSGI and ASGI, for a library that speaks both: an environ has no `type`, a scope always has."""

from __future__ import annotations

from otel_run.engine.asgi import ARGUMENTS as ASGI_ARGUMENTS
from otel_run.engine.asgi import observe as observe_asgi
from otel_run_instrumentors import asgi, wsgi
from otel_run_instrumentors.wsgi import ARGUMENTS as WSGI_ARGUMENTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from otel_run.engine import Call
    from otel_run.engine.http_server_request import HttpServerRequest
    from otel_run.engine.server_operation import ServerOperation


def read_request(subject: dict[str, Any]) -> HttpServerRequest | None:
    return asgi.read_request(subject) if "type" in subject else wsgi.read_request(subject)


def is_same(one: Any, other: dict[str, Any]) -> bool:
    return asgi.is_same(one, other) if "type" in other else wsgi.is_same(one, other)


def observe(call: Call, operation: ServerOperation) -> None:
    """Follow the response, where one is asked for as either has it."""
    arguments = len(call.args) + len(call.kwargs)
    if arguments == ASGI_ARGUMENTS:
        observe_asgi(call, operation)
    elif arguments == WSGI_ARGUMENTS:
        wsgi.observe(call, operation)
