"""HTTP server spans and their metric (semantic conventions 1.44, http/http-spans.md)."""

from __future__ import annotations

from otel_run import settings
from otel_run.engine.convention import METERING, Convention
from otel_run.engine.exclusion import Exclusion
from otel_run.engine.failure import describe_failure, error_type
from otel_run.engine.forwarded import ADDRESS_LIMIT, known_host, read_forwarded
from otel_run.engine.headers import CapturedHeaders
from otel_run.engine.http import DURATION_BOUNDARIES, method_attributes, span_name
from otel_run.engine.http_server_detail import Route
from otel_run.engine.http_server_request import METHOD, PATH, QUERY, SCHEME, USER_AGENT
from otel_run.engine.operation import Silence
from otel_run.engine.redaction import redact_query
from otel_run.engine.server_operation import ServerOperation
from otel_run.engine.url import DEFAULT_PORTS, split_port
from otel_run.export.pipeline import PIPELINE
from otel_run.signals.cache import Cache
from otel_run.signals.context import CURRENT, SUPPRESSED, Node
from otel_run.signals.description import Description, Outcome, Peer
from otel_run.signals.metrics import UpDownCounter
from otel_run.signals.propagation import extract
from otel_run.signals.span import ERROR, SERVER, UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, TypeGuard

    from otel_run.engine.call import Call
    from otel_run.engine.http_server_detail import HttpServerDetail, ReadDetail
    from otel_run.engine.http_server_request import Header, Headers, Reading, Received
    from otel_run.engine.operation import Operation
    from otel_run.signals.metrics import Level
    from otel_run.signals.values import Value

    ReadResult = Callable[[Call, Any], HttpServerDetail | None]

NAME = "http.server"
SETTINGS = settings.current()
PROPAGATORS = SETTINGS.propagators
TRUST_FORWARDED = SETTINGS.trust_forwarded
REQUEST_HEADERS, RESPONSE_HEADERS = (
    CapturedHeaders(SETTINGS.captured_headers[f"server_{kind}"], SETTINGS.sanitized_headers, kind)
    for kind in ("request", "response")
)
EXCLUSION = Exclusion(SETTINGS.excluded_server_urls, SETTINGS.excluded_paths)

SWITCHING_PROTOCOLS = 101
SERVER_ERROR = 500

# What a client may call the protocol, and the method, beyond which it would fill our memory.
VERSIONS = frozenset(("0.9", "1.0", "1.1", "2", "3"))
METHOD_LIMIT = 64

# Path, query and user agent together; longer ones count towards the bound of the record queue.
LONG_REQUEST = 512

# Those that have sent requests lately: client, address, port, user agent. A keep-alive connection
# is one of them, and so is each connection of a proxy.
PEERS: Cache[tuple[str, str, int, str], Peer] = Cache(512)
LONG_AGENT = 256


class HttpServer(Convention):
    """Server spans: one for each request that comes in, made by the outermost layer.

    `read_subject` gives an object that belongs to this request alone. Of that, `read_request` says
    what came in, None where it is no request, and `read_headers` gives all headers. Two layers are
    of one request when their subject is the same, or when `is_same` finds out that what one has
    been handed was made of the other's. `observe` arranges that the operation is told when the
    response starts, and where nobody else knows, when it is complete. `read_detail` says what the
    call has come to when the response starts, or when it fails; `read_result` what it returned.
    `is_hang_up` tells whether an exception says that the client has gone: that is no error of the
    server's.
    """

    name = NAME
    metric = (
        "http.server.request.duration",
        "Duration of HTTP server requests.",
        DURATION_BOUNDARIES,
    )

    active: UpDownCounter

    def __init__(
        self,
        read_subject: Callable[[Call], Any],
        read_request: Callable[[Any], Reading | None],
        read_headers: Callable[[Any], Headers],
        observe: Callable[[Call, ServerOperation], None] | None = None,
        *,
        read_detail: ReadDetail | None = None,
        read_result: ReadResult | None = None,
        is_hang_up: Callable[[BaseException], bool] | None = None,
        is_same: Callable[[Any, Any], bool] | None = None,
    ) -> None:
        self.read_subject = read_subject
        self.read_request = read_request
        self.read_headers = read_headers
        self.observe = observe
        self.read_detail = read_detail
        self.read_result = read_result
        self.is_hang_up = is_hang_up
        self.is_same = is_same
        self._descriptions: Cache[tuple[str, str, str, str], Description] = Cache(512)
        # What is known of requests that were alike, as they came.
        self._known: Cache[Hashable, tuple[Description, Peer]] = Cache(512)
        self._active: Cache[tuple[Any, ...], Level] = Cache(64)

    def bind(self, library: str, layer: int) -> None:
        """Take the place that the instrumentor gives."""
        super().bind(library, layer)
        self._unknown = Description(self.scope, "HTTP", SERVER, {}, {})
        self.active = UpDownCounter(
            self.scope,
            "http.server.active_requests",
            "{request}",
            "Number of active HTTP server requests.",
        )

    def begin(self, call: Call) -> Operation | None:
        """Start to record the request, as a part of the trace that it says it belongs to.

        In one piece, as far as most requests go: this is the hot path.
        """
        around = CURRENT.get()
        if around is SUPPRESSED:
            return None
        subject = self.read_subject(call)
        if around is not None and self._is_within(around, subject):
            self._join(around, call)
            return None
        reading = self.read_request(subject)
        if reading is None:
            return None
        received, header, is_forwarded = reading
        path = received[PATH]
        if path in EXCLUSION.paths or (EXCLUSION.patterns and _is_excluded(received)):
            silence = Silence()
            silence.enter()
            return silence
        if around is not None or header is not None:
            around = _parent(around, header)
        operation = ServerOperation(self, around, self._unknown)
        operation.received = received
        operation.subject = subject
        operation.asked = None if self.read_detail is None else (self.read_detail, call)
        operation.route = operation.mount = operation.error = ""
        operation.handled = operation.forwarded = operation.active = None
        operation.status = 0
        size = len(path or ()) + len(received[QUERY] or ()) + len(received[USER_AGENT] or ())
        if is_forwarded or size > LONG_REQUEST or REQUEST_HEADERS.wanted:
            self._add_more(operation, header if is_forwarded else None, size)
        if self.observe is not None:
            self.observe(call, operation)
        if METERING:
            kind = received[METHOD:USER_AGENT] if operation.forwarded is None else _kind(operation)
            active = operation.active = self._active.young.get(kind) or self._find_active(kind)
            active.rise()
            if not PIPELINE.threshold:
                PIPELINE.be_there()  # this may be the last that is heard of a server that hangs
        operation.token = CURRENT.set(operation)
        return operation

    def _join(self, operation: ServerOperation, call: Call) -> None:
        """Take part in an outer layer's request."""
        if self.read_detail is not None and self.observe is not None:
            operation.asked = self.read_detail, call
            self.observe(call, operation)  # an outer layer may hear of the response much later

    def _add_more(self, operation: ServerOperation, header: Header | None, size: int) -> None:
        """Add what few requests have: what proxies say, much, and headers that are asked for."""
        if header is not None and TRUST_FORWARDED:
            operation.forwarded = read_forwarded(header)
        if size > LONG_REQUEST:
            operation.add_weight(size)
        if REQUEST_HEADERS.wanted:
            REQUEST_HEADERS.capture(operation, self.read_headers(operation.subject))

    def _is_within(self, around: Node, subject: object) -> TypeGuard[ServerOperation]:
        """Tell whether an outer layer records this very request, be it an application of its kind.

        What it has become is looked for next, by what lies further within.
        """
        if not isinstance(around, ServerOperation):
            return False
        if around.subject is subject:
            return subject is not None
        if (
            self.is_same is None
            or subject is None
            or around.subject is None
            or not self.is_same(around.subject, subject)
        ):
            return False
        around.subject = subject
        return True

    def detail(self, operation: ServerOperation, detail: Route | HttpServerDetail) -> None:
        """Add what an inner layer knows; an exception becomes a response of 500."""
        subject = detail.subject
        if subject is operation.subject or subject is None or self._is_within(operation, subject):
            if operation.asked is not None:
                operation.ask()
            self.add(operation, detail)

    def add(self, operation: ServerOperation, detail: Route | HttpServerDetail) -> None:
        """Add what a reader found."""
        if detail.inner is not None:
            operation.subject, operation.mount = detail.inner, ""
        if isinstance(detail, Route):
            if detail.mount:
                operation.mount += detail.mount
            if detail.path:
                operation.route = detail.root + operation.mount + detail.path
        else:
            self._add_others(operation, detail)

    def _add_others(self, operation: ServerOperation, detail: HttpServerDetail) -> None:
        if detail.asked is not None:
            operation.asked = detail.asked
        if detail.error is not None:
            self._add_error(operation, detail.error)
        if detail.handled is not None:
            operation.handled = detail.handled
        if detail.status:
            operation.respond(detail.status, detail.headers)

    def finish(self, operation: ServerOperation, call: Call | None, result: Any) -> None:
        """Record that the last byte was handed over."""
        if operation.end:
            operation.leave()
            return
        if self.read_result is not None and call is not None and result is not None:
            detail = self.read_result(call, result)
            if detail is not None:
                self.add(operation, detail)
            if operation.end:  # what it is told may be its end
                operation.leave()
                return
        if operation.asked is not None:
            operation.ask()
        # They may hold the operation, or much of the program's.
        operation.asked = operation.handled = operation.subject = None
        active = operation.active
        if active is not None and operation.start >= PIPELINE.born:
            active.fall()
        operation.end_with(None)

    def settle(self, operation: ServerOperation) -> Outcome:
        """Describe the request, and how it has ended."""
        self.describe(operation)
        description = operation.description
        key = (operation.status, operation.route, operation.error)
        return description.outcomes.get(key) or self._conclude(description, key)

    def known(self, operation: ServerOperation) -> Outcome:
        """Say which route it is, and what has been sent of the response."""
        operation.ask()
        self.describe(operation)
        key = (operation.status, operation.route, operation.error)
        return Outcome(*_ending(operation.description, key), None)

    def fail(self, operation: ServerOperation, call: Call, error: BaseException) -> None:
        """Record that the application let the exception out."""
        if isinstance(error, Exception) and not (self.is_hang_up and self.is_hang_up(error)):
            self._add_error(operation, error)
            # A server that has nothing else to send sends this.
            operation.status = operation.status or SERVER_ERROR
        self.finish(operation, call, None)

    def respond(
        self,
        operation: ServerOperation,
        status: int,
        headers: Headers,
        error: BaseException | None,
    ) -> None:
        """Record what is sent; for a client that has gone nobody receives it."""
        if error is None and status >= SERVER_ERROR:
            error = operation.handled
        if error is not None:
            if self.is_hang_up and self.is_hang_up(error):
                return
            self._add_error(operation, error)
        operation.status = status
        if operation.asked is not None:
            operation.ask()
        if RESPONSE_HEADERS.wanted:
            RESPONSE_HEADERS.capture(operation, headers)
        if status == SWITCHING_PROTOCOLS:
            operation.complete()  # another protocol than HTTP is no part of the request

    def _add_error(self, operation: ServerOperation, error: BaseException) -> None:
        operation.error = error_type(error)
        if operation.sampled and not (operation.extras and operation.extras.events):
            operation.add_failure(describe_failure(error))

    def describe(self, operation: ServerOperation) -> None:
        """Describe a request once, by what was received."""
        received = operation.received
        if received is None:
            return
        kind: Hashable = received[METHOD:]
        if operation.forwarded is not None:
            kind = None  # a proxy stands for many
        try:
            known = self._known.young.get(kind) or self._known.get(kind)
        except TypeError:  # test clients have lists in it
            kind = known = None
        if known is None:
            known = self._recognize(operation, received, kind)
        operation.description = known[0]
        if operation.sampled:
            operation.peer = known[1]
            path, query = received.target()
            own = operation.attributes  # headers, and a client beyond proxies
            attributes = operation.attributes = {"url.path": path}
            if query:
                attributes["url.query"] = redact_query(query)
            if own:
                attributes.update(own)
        operation.received = None

    def _recognize(
        self, operation: ServerOperation, received: Received, kind: Hashable
    ) -> tuple[Description, Peer]:
        """Find out what kind of request it is and whose, and keep that for its like."""
        method, scheme, host, version, address, port, user_agent = received.request()
        forwarded = operation.forwarded
        if forwarded is not None:
            scheme, host = forwarded.scheme or scheme, forwarded.host or host
        description = self._description((method, scheme, host, version))
        if forwarded is None and len(user_agent) <= LONG_AGENT:
            known = description, _peer((address, address, port, user_agent))
            if kind is not None and len(host) <= ADDRESS_LIMIT and len(method) <= METHOD_LIMIT:
                self._known.put(kind, known)
            return known
        client: dict[str, Value] = {}
        _add_client(client, (forwarded and forwarded.client) or address, user_agent)
        if operation.sampled:
            operation.attributes = {**client, **(operation.attributes or {})}
        return description, _peer(("", address, port, ""))

    def _description(self, key: tuple[str, str, str, str]) -> Description:
        """Look for what is not in use, and describe what is new; names as long as one may be."""
        method, scheme, host, version = key
        key = (method[:METHOD_LIMIT], scheme, host[: ADDRESS_LIMIT + 1], version)
        description = self._descriptions.get(key)
        if description is None:
            description = self._describe(*key)
            self._descriptions.put(key, description)
        return description

    def _describe(self, method: str, scheme: str, host: str, version: str) -> Description:
        attributes: dict[str, Value] = {**method_attributes(method), "url.scheme": scheme}
        facts: dict[str, Value] = {
            "http.request.method": attributes["http.request.method"],
            "url.scheme": scheme,
        }
        if version in VERSIONS:
            attributes["network.protocol.version"] = facts["network.protocol.version"] = version
        address, port = split_port(known_host(host))
        if address:
            attributes["server.address"] = address
            attributes["server.port"] = port or DEFAULT_PORTS.get(scheme, 0)
        name = span_name(attributes["http.request.method"])
        return Description(self.scope, name, SERVER, attributes, facts)

    def _find_active(self, kind: tuple[Any, ...]) -> Level:
        """Look for the series of a method and a scheme that is not in use, or make it."""
        method, scheme = (kind[0] or "GET")[:METHOD_LIMIT], kind[1] or "http"
        found = self._active.get((method, scheme))
        if found is None:
            known = method_attributes(method)["http.request.method"]
            found = self.active.series_of({"http.request.method": known, "url.scheme": scheme})
            self._active.put((method, scheme), found)
        return found

    def _conclude(self, description: Description, key: tuple[int, str, str]) -> Outcome:
        name, attributes, status = _ending(description, key)
        return self.conclude(description, key, attributes, status, name)


def _ending(
    description: Description, key: tuple[int, str, str]
) -> tuple[str, dict[str, Value], int]:
    """Return what status code, route and error make of a request: name, attributes, status."""
    status, route, kind = key
    attributes: dict[str, Value] = {}
    if status:
        attributes["http.response.status_code"] = status
    if route:
        attributes["http.route"] = route
    if status >= SERVER_ERROR and not kind:
        kind = str(status)
    if kind:
        attributes["error.type"] = kind
    name = f"{description.name} {route}" if route else description.name
    return name, attributes, ERROR if kind else UNSET


def _is_excluded(received: Received) -> bool:
    """Tell whether a setting leaves the request out, by more than its path."""
    _, scheme, host, *_ = received.request()
    return EXCLUSION.covers(received.target()[0], scheme, host)


def _kind(operation: ServerOperation) -> tuple[Any, ...]:
    """Return method and scheme, of what has come through a proxy."""
    received, forwarded = operation.received, operation.forwarded
    if received is None:
        return (None, None)
    return received[METHOD], (forwarded and forwarded.scheme) or received[SCHEME]


def _parent(around: Node | None, header: Header | None) -> Node | None:
    if isinstance(around, ServerOperation) and around.end:
        # A server looks for the next request when it has sent the last byte of this one.
        around = None
    remote = None if header is None else extract(header, PROPAGATORS)
    if remote is None:
        return around
    values = {"baggage": remote.baggage} if remote.baggage else None
    if not remote.trace_id and around is not None:  # called by the program itself
        return Node(
            around.trace_id,
            around.span_id,
            sampled=around.sampled,
            trace_state=around.trace_state,
            values=values,
        )
    return Node(
        remote.trace_id,
        remote.span_id,
        sampled=remote.sampled,
        remote=True,
        trace_state=remote.trace_state,
        values=values,
    )


def _peer(key: tuple[str, str, int, str]) -> Peer:
    """Look for a peer that is not in use, and describe a new one."""
    peer = PEERS.get(key)
    if peer is None:
        client, address, port, user_agent = key
        attributes: dict[str, Value] = {}
        _add_client(attributes, client, user_agent)
        if address:
            attributes["network.peer.address"] = address
            if port:
                attributes["network.peer.port"] = port
        peer = Peer(attributes)
        PEERS.put(key, peer)
    return peer


def _add_client(attributes: dict[str, Value], client: str, user_agent: str) -> None:
    if client:
        attributes["client.address"] = client
    if user_agent:
        attributes["user_agent.original"] = user_agent
