"""HTTP server spans and their metric (semantic conventions 1.44, http/http-spans.md)."""

from __future__ import annotations

from otel_run import settings
from otel_run.engine.convention import METERING, Convention
from otel_run.engine.exclusion import Exclusion
from otel_run.engine.failure import describe_failure, error_type
from otel_run.engine.forwarded import ADDRESS_LIMIT, known_host, read_forwarded
from otel_run.engine.headers import CapturedHeaders
from otel_run.engine.http import DURATION_BOUNDARIES, method_attributes, span_name
from otel_run.engine.operation import Operation, Silence
from otel_run.engine.redaction import redact_query
from otel_run.engine.url import DEFAULT_PORTS, split_port
from otel_run.export.pipeline import PIPELINE
from otel_run.guard import caught
from otel_run.signals.cache import Cache
from otel_run.signals.context import CURRENT, SUPPRESSED, Node
from otel_run.signals.description import Description, Outcome
from otel_run.signals.metrics import UpDownCounter
from otel_run.signals.propagation import extract
from otel_run.signals.span import ERROR, SERVER, UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Any, TypeGuard

    from otel_run.engine.call import Call
    from otel_run.engine.forwarded import Forwarded
    from otel_run.signals.description import Scope
    from otel_run.signals.metrics import Level
    from otel_run.signals.values import Attributes, Value

    # Names and values, as they are on the wire.
    Headers = Iterable[tuple[str, str]]
    ReadDetail = Callable[[Call], "HttpServerDetail | None"]
    ReadResult = Callable[[Call, Any], "HttpServerDetail | None"]

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


class HttpServerRequest:
    """What a server received; each protocol between servers and applications has its own kind.

    `host` is the authority that the client asked for, as `host:port`; `peer_address` and
    `peer_port` are the other end of the connection. `path` and `query` are as on the wire.
    `is_continued` and `is_forwarded` tell whether it has headers of a trace, of a proxy: most have
    none, and need not be asked for each of them.
    """

    __slots__ = (
        "host",
        "is_continued",
        "is_forwarded",
        "method",
        "path",
        "peer_address",
        "peer_port",
        "query",
        "scheme",
        "version",
    )

    method: str
    scheme: str
    host: str
    path: str
    query: str
    version: str
    peer_address: str
    peer_port: int
    is_continued: bool
    is_forwarded: bool

    def header(self, name: str) -> str | None:
        """Look a header up by its lower-case name."""
        raise NotImplementedError

    def headers(self) -> Headers:
        """Give all of them, by their lower-case names."""
        raise NotImplementedError


class HttpServerDetail:
    """What an inner layer knows of a request, or the result of the call that served it.

    Its route, below the path `mount` of what it is in, and below `root`, where the outermost
    application is; the exception that it could not handle, or one that it has `handled`, which is
    an error if a 5xx answers it; the status code and the headers that it sends. `subject` is the
    request's, where the program may have made up another one meanwhile; `inner` is what the layers
    within see as the subject from now on; they tell whole routes.
    """

    __slots__ = (
        "error",
        "handled",
        "headers",
        "inner",
        "mount",
        "root",
        "route",
        "status",
        "subject",
    )

    def __init__(
        self,
        route: str = "",
        error: BaseException | None = None,
        subject: object = None,
        status: int = 0,
        mount: str = "",
        root: str = "",
        inner: object = None,
        headers: Headers = (),
        handled: BaseException | None = None,
    ) -> None:
        self.route = route
        self.error = error
        self.handled = handled
        self.subject = subject
        self.status = status
        self.mount = mount
        self.root = root
        self.inner = inner
        self.headers = headers


class ServerDescription(Description):
    """As well the series of the requests that are being served."""

    __slots__ = ("active",)

    def __init__(
        self,
        scope: Scope,
        name: str,
        attributes: Attributes,
        facts: Attributes,
        active: Level | None,
    ) -> None:
        super().__init__(scope, name, SERVER, attributes, facts)
        self.active = active


class ServerOperation(Operation):
    """A request being served, with what is known of its end so far."""

    __slots__ = ("asked", "error", "handled", "mount", "route", "status", "subject")

    convention: HttpServer
    description: ServerDescription
    # Whom to ask for what the innermost layer knows, and its call.
    asked: tuple[ReadDetail, Call] | None
    error: str
    # What an inner layer has taken; it is an error if a 5xx answers it.
    handled: BaseException | None
    mount: str
    route: str
    status: int
    subject: object

    def respond(
        self, status: int, headers: Headers = (), error: BaseException | None = None
    ) -> None:
        """Note what is sent, and the exception that it is sent for."""
        if self.end:
            return
        try:
            self.convention.respond(self, status, headers, error)
        except Exception as mistake:
            caught(mistake, self.convention.library)

    def guard(self, step: Callable[[Any], None], what: Any) -> None:
        """Take a step with what the program sent or raised, and let no mistake of ours out."""
        try:
            step(what)
        except Exception as mistake:
            caught(mistake, self.convention.library)

    def following(
        self, send: Callable[[Any], Awaitable[None]], follow: Callable[[Any], None]
    ) -> Callable[[Any], Awaitable[None]]:
        """Return what sends a message, and has it followed once it is out."""
        library = self.convention.library

        async def sent(message: Any) -> None:
            await send(message)
            try:
                if not self.end:
                    follow(message)
            except Exception as mistake:
                caught(mistake, library)

        return sent

    def ask(self) -> None:
        """Ask what the innermost layer knows, until it knows something."""
        if self.asked is None:
            return
        read, call = self.asked
        detail = read(call)
        if detail is not None:
            self.asked = None
            self.convention.add(self, detail)

    def complete(self) -> None:
        """End with the last byte, and stay current: the application may have more to do."""
        if self.end:
            return
        token, self.token = self.token, None
        try:
            self.convention.finish(self, None, None)
        except Exception as error:
            caught(error, self.convention.library)
        self.token = token


class HttpServer(Convention):
    """Server spans: one for each request that comes in, made by the outermost layer.

    `read_request` says what came in, None for what is no request; `read_subject` gives an object
    that belongs to this request alone: two layers are of one request when it is the same, or when
    `is_same` finds out that what one has been handed was made of the other's. `observe` arranges
    that the operation is told when the response starts, and where nobody else knows, when it is
    complete. `read_detail` says what the call has come to when the response starts, or when it
    fails; `read_result` what it returned. `is_hang_up` tells whether an exception says that the
    client has gone: that is no error of the server's.
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
        read_request: Callable[[Call], HttpServerRequest | None],
        read_subject: Callable[[Call], object],
        observe: Callable[[Call, ServerOperation], None] | None = None,
        *,
        read_detail: ReadDetail | None = None,
        read_result: ReadResult | None = None,
        is_hang_up: Callable[[BaseException], bool] | None = None,
        is_same: Callable[[Any, Any], bool] | None = None,
    ) -> None:
        self.read_request = read_request
        self.read_subject = read_subject
        self.observe = observe
        self.read_detail = read_detail
        self.read_result = read_result
        self.is_hang_up = is_hang_up
        self.is_same = is_same
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

    def begin(self, call: Call) -> Operation | None:
        """Start to record the request, as a part of the trace that it says it belongs to."""
        around = CURRENT.get()
        if around is SUPPRESSED:
            return None
        subject = self.read_subject(call)
        if around is not None and self._is_within(around, subject):
            if self.read_detail is not None and self.observe is not None:
                around.asked = self.read_detail, call
                self.observe(call, around)  # an outer layer may hear of the response much later
            return None
        request = self.read_request(call)
        if request is None:
            return None
        if EXCLUSION.covers(request.path, request.scheme, request.host):
            silence = Silence()
            silence.enter()
            return silence
        operation = self._open(request, around)
        operation.subject = subject
        operation.asked = None if self.read_detail is None else (self.read_detail, call)
        if self.observe is not None:
            self.observe(call, operation)
        active = operation.description.active
        if active is not None:
            active.rise()
            if not PIPELINE.threshold:
                PIPELINE.be_there()  # this may be the last that is heard of a server that hangs
        operation.enter()
        return operation

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

    def _open(self, request: HttpServerRequest, around: Node | None) -> ServerOperation:
        """Start an operation that is not current, with all that the request says."""
        forwarded = None
        if request.is_forwarded and TRUST_FORWARDED:
            forwarded = read_forwarded(request.header)
        description = self._description(request, forwarded)
        operation = ServerOperation(self, _parent(around, request), description)
        operation.route = operation.mount = operation.error = ""
        operation.handled = None
        operation.status = 0
        if operation.sampled:
            operation.attributes = _attributes(request, forwarded)
            size = len(request.path) + len(request.query)
            if size > LONG_REQUEST:
                operation.add_weight(size)
            if REQUEST_HEADERS.wanted:
                REQUEST_HEADERS.capture(operation, request.headers())
        return operation

    def detail(self, operation: ServerOperation, detail: HttpServerDetail) -> None:
        """Add what an inner layer knows; an exception becomes a response of 500."""
        if detail.subject is None or self._is_within(operation, detail.subject):
            operation.ask()
            self.add(operation, detail)

    def add(self, operation: ServerOperation, detail: HttpServerDetail | None) -> None:
        """Add what a reader found, if it did."""
        if detail is None:
            return
        if detail.inner is not None:
            operation.subject, operation.mount = detail.inner, ""
        if detail.mount:
            operation.mount += detail.mount
        if detail.route:
            operation.route = detail.root + operation.mount + detail.route
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
            self.add(operation, self.read_result(call, result))
            if operation.end:  # what it is told may be its end
                operation.leave()
                return
        if operation.asked is not None:
            operation.ask()
        operation.asked = operation.handled = None  # they may hold the operation
        description = operation.description
        key = (operation.status, operation.route, operation.error)
        outcome = description.outcomes.get(key)
        if outcome is None:
            outcome = self._conclude(description, key)
        operation.name = outcome.name
        operation.subject = None
        if description.active is not None and operation.started >= PIPELINE.born:
            description.active.fall()
        operation.end_with(outcome)

    def known(self, operation: ServerOperation) -> Outcome:
        """Say which route it is, and what has been sent of the response."""
        operation.ask()
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

    def _description(
        self, request: HttpServerRequest, forwarded: Forwarded | None
    ) -> ServerDescription:
        scheme = (forwarded and forwarded.scheme) or request.scheme
        host = (forwarded and forwarded.host) or request.host[: ADDRESS_LIMIT + 1]
        key = (request.method[:METHOD_LIMIT], scheme, host, request.version)
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


def _attributes(request: HttpServerRequest, forwarded: Forwarded | None) -> dict[str, Value]:
    attributes: dict[str, Value] = {"url.path": request.path}
    if request.query:
        attributes["url.query"] = redact_query(request.query)
    client = (forwarded and forwarded.client) or request.peer_address
    if client:
        attributes["client.address"] = client
    if request.peer_address:
        attributes["network.peer.address"] = request.peer_address
        if request.peer_port:
            attributes["network.peer.port"] = request.peer_port
    user_agent = request.header("user-agent")
    if user_agent:
        attributes["user_agent.original"] = user_agent
    return attributes
