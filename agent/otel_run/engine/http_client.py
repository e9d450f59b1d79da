"""HTTP client spans and their metric (semantic conventions 1.44, http/http-spans.md)."""

from __future__ import annotations

from otel_run import settings
from otel_run.engine.convention import Convention
from otel_run.engine.failure import describe_failure, error_type
from otel_run.engine.http import (
    DURATION_BOUNDARIES,
    PROTOCOL_VERSIONS,
    method_attributes,
    span_name,
)
from otel_run.engine.operation import Operation, is_suppressed
from otel_run.engine.url import Urls
from otel_run.signals.context import CURRENT
from otel_run.signals.description import Description
from otel_run.signals.propagation import inject
from otel_run.signals.span import CLIENT, ERROR, UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from otel_run.engine.call import Call
    from otel_run.engine.url import Origin
    from otel_run.signals.description import Outcome
    from otel_run.signals.values import Value

NAME = "http.client"
PROPAGATORS = settings.current().propagators

CLIENT_ERROR = 400

# A program that makes methods up would make descriptions without end.
METHOD_LIMIT = 32

# A URL longer than this counts towards the bound of the record queue.
LONG_URL = 256


class HttpRequest:
    """What a client is about to send: method, absolute URL."""

    __slots__ = ("method", "url")

    def __init__(self, method: str, url: str) -> None:
        self.method = method
        self.url = url


class HttpResponse:
    """What came back: status code, and protocol version as `http.client` counts it (11, 20)."""

    __slots__ = ("status", "version")

    def __init__(self, status: int, version: int = 0) -> None:
        self.status = status
        self.version = version


class HttpPeer:
    """Whom the client is connected to: an address, never a name, and a port."""

    __slots__ = ("address", "port")

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port


def peer_of(sock: Any) -> HttpPeer | None:
    """Return whom a socket is connected to; None for a Unix socket, whose peer has no port."""
    try:
        peer = sock.getpeername()
    except (AttributeError, OSError):  # there is none, or no longer
        return None
    return HttpPeer(peer[0], peer[1]) if isinstance(peer, tuple) else None


class ClientOperation(Operation):
    """A request that goes out, with the secrets in its URL: no message may hold them."""

    __slots__ = ("secrets",)

    secrets: tuple[str, ...]


class HttpClient(Convention):
    """Client spans: one for each request that goes out.

    `read_request` and `read_response` say what was sent and what came back; `write_headers` puts
    the propagated headers where the call will send them from, never into a mapping that is the
    caller's own.
    """

    name = NAME
    metric = (
        "http.client.request.duration",
        "Duration of HTTP client requests.",
        DURATION_BOUNDARIES,
    )

    def __init__(
        self,
        read_request: Callable[[Call], HttpRequest],
        read_response: Callable[[Any], HttpResponse],
        write_headers: Callable[[Call, Mapping[str, str]], None],
    ) -> None:
        self.read_request = read_request
        self.read_response = read_response
        self.write_headers = write_headers
        self._urls = Urls()

    def begin(self, call: Call) -> ClientOperation | None:
        """Start to record the request and propagate its context."""
        operation = self.open(call)
        if operation is not None:
            self.propagate(operation, call)
            operation.enter()
        return operation

    def open(self, call: Call) -> ClientOperation | None:
        """Start an operation that is not current."""
        parent = CURRENT.get()
        if parent is not None and is_suppressed(parent, self):
            return None
        request = self.read_request(call)
        url = self._urls.get(request.url)
        origin = url.origin
        description = origin.descriptions.get(request.method) or self._describe(
            origin, request.method
        )
        operation = ClientOperation(self, parent, description)
        operation.secrets = url.secrets
        if operation.sampled:
            operation.attributes = {"url.full": url.full}
            if len(url.full) > LONG_URL:
                operation.add_weight(len(url.full))
        return operation

    def propagate(self, operation: ClientOperation, call: Call) -> None:
        """Send the operation's context along."""
        headers = inject(
            operation.trace_id,
            operation.span_id,
            operation.sampled,
            operation.trace_state,
            operation.baggage,
            PROPAGATORS,
        )
        if headers:
            self.write_headers(call, headers)

    def detail(self, operation: ClientOperation, detail: HttpPeer | HttpResponse) -> None:
        """Add the peer that an inner layer knows; or end, with a response that comes early."""
        attributes = operation.attributes
        if isinstance(detail, HttpResponse):
            self._respond(operation, detail)
        elif attributes is not None:
            attributes["network.peer.address"] = detail.address
            attributes["network.peer.port"] = detail.port

    def finish(self, operation: ClientOperation, call: Call, result: object) -> None:  # noqa: ARG002
        """Record the response."""
        self._respond(operation, self.read_response(result))

    def _respond(self, operation: ClientOperation, response: HttpResponse) -> None:
        key = (response.status, response.version, "")
        operation.end_with(
            operation.description.outcomes.get(key) or self._conclude(operation.description, key)
        )

    def fail(self, operation: ClientOperation, call: Call, error: BaseException) -> None:  # noqa: ARG002
        """Record that there is no response; a call that the program gave up is no error."""
        kind = ""
        if isinstance(error, Exception):
            kind = error_type(error)
            if operation.sampled:
                operation.add_failure(describe_failure(error, operation.secrets))
        key = (0, 0, kind)
        operation.end_with(
            operation.description.outcomes.get(key) or self._conclude(operation.description, key)
        )

    def _describe(self, origin: Origin, method: str) -> Description:
        attributes: dict[str, Value] = {
            **method_attributes(method),
            "server.address": origin.address,
            "server.port": origin.port,
        }
        facts = {key: value for key, value in attributes.items() if "original" not in key}
        name = span_name(attributes["http.request.method"])
        description = Description(self.scope, name, CLIENT, attributes, facts)
        if len(origin.descriptions) < METHOD_LIMIT:
            origin.descriptions[method] = description
        return description

    def _conclude(self, description: Description, key: tuple[int, int, str]) -> Outcome:
        status, version, kind = key
        attributes: dict[str, Value] = {}
        if status:
            attributes["http.response.status_code"] = status
        if version in PROTOCOL_VERSIONS:
            attributes["network.protocol.version"] = PROTOCOL_VERSIONS[version]
        if status >= CLIENT_ERROR:
            kind = str(status)
        if kind:
            attributes["error.type"] = kind
        return self.conclude(description, key, attributes, ERROR if kind else UNSET)
