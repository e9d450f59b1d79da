"""HTTP server spans and their metric (semantic conventions 1.44, http/http-spans.md)."""

from __future__ import annotations

from otel_run import settings
from otel_run.engine.call import named
from otel_run.engine.convention import METERING, Convention
from otel_run.engine.exclusion import Exclusion
from otel_run.engine.failure import describe_failure, error_type
from otel_run.engine.forwarded import ADDRESS_LIMIT, known_host, read_forwarded
from otel_run.engine.headers import CapturedHeaders
from otel_run.engine.http import DURATION_BOUNDARIES, method_attributes, span_name
from otel_run.engine.http_server_detail import Route
from otel_run.engine.http_server_request import read_address, read_text
from otel_run.engine.operation import Silence
from otel_run.engine.redaction import redact_query
from otel_run.engine.server_operation import ServerDescription, ServerOperation
from otel_run.engine.url import DEFAULT_PORTS, split_port
from otel_run.export.pipeline import PIPELINE
from otel_run.signals.cache import Cache
from otel_run.signals.context import (
    EXCLUDED,
    SUPPRESSED,
    Node,
    Suppression,
    get_current,
    set_current,
)
from otel_run.signals.description import Outcome, Peer
from otel_run.signals.metrics import UpDownCounter
from otel_run.signals.propagation import extract
from otel_run.signals.span import ERROR, UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeGuard

    from otel_run.engine.call import Call
    from otel_run.engine.http_server_detail import HttpServerDetail, ReadDetail
    from otel_run.engine.http_server_request import Caller, Headers, HttpServerRequest
    from otel_run.engine.operation import Operation
    from otel_run.signals.description import Description
    from otel_run.signals.values import Value

    # What requests of one caller have in common: how they begin, who is at the other end; and what
    # is told apart from that, of this request alone.
    Known = tuple[ServerDescription, Peer, Mapping[str, Value] | None]
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

# Attributes of a request's own, together; more than that count towards the bound of the queue.
LONG_REQUEST = 512
LONG_AGENT = 256

# Callers that have sent requests lately, at each convention: a keep-alive connection is one.
CALLER_LIMIT = 512


class HttpServer(Convention):
    """Server spans: one for each request that comes in, made by the outermost layer.

    What is called has as its first argument, or by one of the names of `subject`, an object that
    belongs to this request alone. `read_request` says what came in, None for what is no request.
    Two layers are of one request when it is the same object, or when `is_same` finds out that what
    one has been handed was made of the other's. `observe` arranges that the operation is told when
    the response starts, and where nobody else knows, when it is complete. `read_detail` says what
    the call has come to when the response starts, or when it fails; `read_result` what it returned.
    `is_hang_up` tells whether an exception says that the client has gone: that is no error of the
    server's, and nor are the exceptions `leaving`, by which an application tells its server that it
    has the connection for itself.
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
        read_request: Callable[[Any], HttpServerRequest | None],
        subject: tuple[str, ...],
        observe: Callable[[Call, ServerOperation], None] | None = None,
        *,
        read_detail: ReadDetail | None = None,
        read_result: ReadResult | None = None,
        is_hang_up: Callable[[BaseException], bool] | None = None,
        is_same: Callable[[Any, Any], bool] | None = None,
        leaving: tuple[type[Exception], ...] = (),
    ) -> None:
        self.read_request = read_request
        self.subject = subject
        self.observe = observe
        self.read_detail = read_detail
        self.read_result = read_result
        self.is_hang_up = is_hang_up
        self.is_same = is_same
        self.leaving = leaving
        self._callers: Cache[Caller, Known] = Cache(CALLER_LIMIT)
        self._descriptions: Cache[tuple[str, str, str, str], ServerDescription] = Cache(512)

    def bind(self, library: str, layer: int) -> None:
        """Take the place that the instrumentor gives."""
        super().bind(library, layer)
        self.active = UpDownCounter(
            self.scope,
            "http.server.active_requests",
            "{request}",
            "Number of active HTTP server requests.",
        )

    # All in one frame, for this is the hot path: each one more costs as much as what it does.
    def begin(self, call: Call) -> Operation | None:  # noqa: C901, PLR0912
        """Start to record the request, as a part of the trace that it says it belongs to."""
        around = get_current()
        if type(around) is Suppression:
            if around is SUPPRESSED or not self.layer:
                return None
            around = None  # a server looks for the next request within the last one
        subject = call.args[0] if call.args else named(call.kwargs, self.subject)
        if subject is None:  # a server may look that way what kind of application it has
            return None
        if around is not None and self.is_within(around, subject):
            if self.read_detail is not None and self.observe is not None:
                around.asked = self.read_detail, call.instance, subject
                self.observe(call, around)  # an outer layer may hear of the response much later
            return None
        request = self.read_request(subject)
        if request is None:
            return None
        path, query = request.path, request.query
        # As `covers` has it.
        if path in EXCLUSION.paths or (EXCLUSION.patterns and _is_excluded(request)):
            silence = Silence(EXCLUDED)
            silence.enter()
            return silence
        known = None if request.is_forwarded else self._callers.young.get(request.caller)
        description, peer, own = known or self._meet(request)
        if around is not None or request.is_continued:
            around = _parent(around, request)
        operation = ServerOperation()
        operation.begin(self, around, description)
        operation.route = operation.mount = operation.error = ""
        operation.status = 0
        operation.handled = None
        operation.subject = subject
        read_detail = self.read_detail
        operation.asked = None if read_detail is None else (read_detail, call.instance, subject)
        if operation.sampled:
            operation.peer = peer
            attributes: dict[str, Value] = {"url.path": path}
            operation.attributes = attributes
            if query:
                attributes["url.query"] = redact_query(query)
            if own or len(path) + len(query) > LONG_REQUEST:
                _add_long(operation, attributes, own)
            if REQUEST_HEADERS.wanted:
                REQUEST_HEADERS.capture(operation, request.headers())
        if self.observe is not None:
            self.observe(call, operation)
        active = description.active
        if active is not None:
            active.rise()
            if not PIPELINE.threshold:
                PIPELINE.be_there()  # this may be the last that is heard of a server that hangs
        operation.token = set_current(operation)  # as `enter` does
        return operation

    def is_within(self, around: Node, subject: object) -> TypeGuard[ServerOperation]:
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

    def detail(self, operation: ServerOperation, detail: Route | HttpServerDetail | int) -> None:
        """Add what an inner layer knows, or a status code; an exception becomes a 500.

        A second status code is that of a response within the body of the first.
        """
        if isinstance(detail, int):
            if not operation.status:
                operation.answer(detail)
            return
        subject = detail.subject
        if subject is None or self.is_within(operation, subject):
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
        if detail.error is not None:
            self._add_error(operation, detail.error)
        if detail.handled is not None:
            operation.handled = detail.handled
        if detail.status:
            sent = operation.status
            operation.respond(detail.status, detail.headers)
            operation.status = sent or operation.status

    def finish(self, operation: ServerOperation, call: Call | None, result: Any) -> None:
        """Record that the last byte was handed over."""
        if self.read_result is not None and call is not None:
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
        description = operation.description
        key = (operation.status, operation.route, operation.error)
        outcome = description.outcomes.get(key) or self._conclude(description, key)
        if description.active is not None and operation.start >= PIPELINE.born:
            description.active.fall()
        operation.end_with(outcome)

    def known(self, operation: ServerOperation) -> Outcome:
        """Say which route it is, and what has been sent of the response."""
        if operation.asked is not None:
            operation.ask()
        key = (operation.status, operation.route, operation.error)
        return Outcome(*_ending(operation.description, key), None)

    def fail(self, operation: ServerOperation, call: Call, error: BaseException) -> None:
        """Record that the application let the exception out."""
        if (
            _is_failure(error)
            and not isinstance(error, self.leaving)
            and not (self.is_hang_up and self.is_hang_up(error))
        ):
            self._add_error(operation, error)
            if isinstance(error, Exception):
                # A server that has nothing else to send sends this; of others it may send nothing.
                operation.status = operation.status or SERVER_ERROR
        self.finish(operation, call, None)

    def retract(self, operation: ServerOperation, error: BaseException) -> None:
        """Forget the status: servers send it with the first part of the body, or one of theirs."""
        if not (self.is_hang_up and self.is_hang_up(error)):
            operation.status = 0

    def respond(
        self,
        operation: ServerOperation,
        status: int,
        headers: Headers,
        error: BaseException | None,
    ) -> None:
        """Record what is sent; for a client that has gone nobody receives it."""
        # What nobody took is what failed, even if that came of what was taken.
        if error is None and status >= SERVER_ERROR and not operation.error:
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
        if operation.error:
            return  # what went wrong while that was answered is its consequence
        operation.error = error_type(error)
        if operation.sampled:
            operation.add_failure(describe_failure(error))

    def _meet(self, request: HttpServerRequest) -> Known:
        """Look for a caller that is not in use; describe a new one, or whom a proxy tells of."""
        method, scheme, host, version, client, user_agent = request.caller
        scheme, host, user_agent = scheme or "http", read_text(host), read_text(user_agent)
        forwarded = None
        if request.is_forwarded and TRUST_FORWARDED:
            forwarded = read_forwarded(request.header)
        if forwarded is None:
            known = self._callers.get(request.caller)
            if known is not None:
                return known
        else:
            scheme, host = forwarded.scheme or scheme, forwarded.host or host
        description = self._description(method, scheme, host, version or "")
        address, port = read_address(client)
        if forwarded is not None or len(user_agent) > LONG_AGENT:
            # A proxy stands for many.
            own = _client((forwarded and forwarded.client) or address, user_agent)
            return description, _peer(address, port, {}), own
        known = description, _peer(address, port, _client(address, user_agent)), None
        if len(method) <= METHOD_LIMIT and len(host) <= ADDRESS_LIMIT:
            self._callers.put(request.caller, known)
        return known

    def _description(self, method: str, scheme: str, host: str, version: str) -> ServerDescription:
        """Look for what is described, and describe what is new; names as long as one may be."""
        key = (method[:METHOD_LIMIT], scheme, host[: ADDRESS_LIMIT + 1], version)
        description = self._descriptions.get(key)
        if description is None:
            description = self._describe(*key)
            self._descriptions.put(key, description)
        return description

    def _describe(self, method: str, scheme: str, host: str, version: str) -> ServerDescription:
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
        active = None
        if METERING:
            counted = {key: facts[key] for key in ("http.request.method", "url.scheme")}
            active = self.active.series_of(counted)
        return ServerDescription(self.scope, name, attributes, facts, active)

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


def _parent(around: Node | None, request: HttpServerRequest) -> Node | None:
    if isinstance(around, ServerOperation) and around.end:
        # A server looks for the next request when it has sent the last byte of this one.
        around = None
    remote = extract(request.header, PROPAGATORS) if request.is_continued else None
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


def _is_failure(error: BaseException) -> bool:
    """Tell whether a call has failed: with most of what is no Exception the program just stops.

    Gunicorn has a worker that takes too long exit with a status, within the request that it serves;
    a time out of gevent's or eventlet's is no Exception.
    """
    if isinstance(error, SystemExit):
        return bool(error.code)
    return isinstance(error, Exception) or type(error).__name__ == "Timeout"


def _is_excluded(request: HttpServerRequest) -> bool:
    _, scheme, host, *_ = request.caller
    return EXCLUSION.covers(request.path, scheme or "http", read_text(host))


def _add_long(
    operation: ServerOperation, attributes: dict[str, Value], own: Mapping[str, Value] | None
) -> None:
    """Add what this request alone has, and count one that holds much towards the queue's bound."""
    if own:
        attributes.update(own)
    size = sum(len(str(value)) for value in attributes.values())
    if size > LONG_REQUEST:
        operation.add_weight(size)


def _peer(address: str, port: int, attributes: dict[str, Value]) -> Peer:
    """Describe the other end of a connection, beside what is known of the client."""
    if address:
        attributes["network.peer.address"] = address
        if port:
            attributes["network.peer.port"] = port
    return Peer(attributes)


def _client(address: str, user_agent: str) -> dict[str, Value]:
    attributes: dict[str, Value] = {}
    if address:
        attributes["client.address"] = address
    if user_agent:
        attributes["user_agent.original"] = user_agent
    return attributes
