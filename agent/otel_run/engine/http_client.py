"""HTTP client spans and their metric (semantic conventions 1.44, http/http-spans.md)."""

from __future__ import annotations

from otel_run import settings
from otel_run.engine.convention import Convention
from otel_run.engine.exclusion import Exclusion
from otel_run.engine.failure import describe_failure, error_type
from otel_run.engine.headers import CapturedHeaders
from otel_run.engine.http import (
    DURATION_BOUNDARIES,
    PROTOCOL_VERSIONS,
    method_attributes,
    span_name,
)
from otel_run.engine.operation import Operation, Silence, is_suppressed
from otel_run.engine.receivers import Receivers
from otel_run.engine.resends import is_sent_again
from otel_run.engine.url import Urls
from otel_run.signals.context import get_current, reset_current, set_current
from otel_run.signals.description import Description, Peer
from otel_run.signals.ids import MARK
from otel_run.signals.propagation import TRACEPARENT, inject
from otel_run.signals.span import CLIENT, ERROR, UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from otel_run.engine.call import Call
    from otel_run.engine.url import Origin, Url
    from otel_run.signals.context import Node
    from otel_run.signals.description import Outcome
    from otel_run.signals.values import Value

    # Gives the headers of a message, a name as often as it stands there. It is called where a
    # setting asks for headers; of a request, just before they are sent.
    Headers = Callable[[], Iterable[tuple[str, str]]]
    # What a client is about to send: method, absolute URL, headers, and how many requests went
    # before it for the same purpose. The URL is a text, or what can be hashed and is it as a text.
    HttpRequest = tuple[str, object, Headers, int]
    # What came back: status code, protocol version as `http.client` counts it (11, 20; 0 where it
    # is not known), headers, whom it came from where no inner layer tells, and how many requests
    # went before it within the same call.
    HttpResponse = tuple[int, int, Headers, Peer | None, int]

NAME = "http.client"
# Those that write headers where the request leaves the process, or hand it on to one that does.
WRITERS: dict[str, HttpClient] = {}
SETTINGS = settings.current()
PROPAGATORS = SETTINGS.propagators
RECEIVERS = Receivers(SETTINGS.propagate_to)
EXCLUSION = Exclusion(SETTINGS.excluded_client_urls, frozenset())
REQUEST_HEADERS, RESPONSE_HEADERS = (
    CapturedHeaders(SETTINGS.captured_headers[f"client_{kind}"], SETTINGS.sanitized_headers, kind)
    for kind in ("request", "response")
)

CLIENT_ERROR = 400

# A program that makes methods up would make descriptions without end.
METHOD_LIMIT = 32


class Unanswered(BaseException):
    """Nobody has asked how it ended."""


class ClientOperation(Operation):
    """A request that goes out.

    `unwritten` are the headers to send along, where an inner layer is to write them, each time
    that it sends the request.
    """

    __slots__ = ("unwritten", "url")

    unwritten: Mapping[str, str] | None
    url: Url


class HttpClient(Convention):
    """Client spans: one for each request that goes out.

    What readers are given is the call, or the object that a target hands on instead of it.
    `read_request` and `read_response` say what is sent and what came back; `write_headers` puts
    the propagated headers where the call will send them from, never into a mapping that is the
    caller's own. `read_sender` names the library that a call is handed on to, "" for none that is
    sure. Where that is recorded too it writes the headers instead; with `write_into`, if it has
    that, for what it is handed is nobody's own.
    Of a call that is part of an outer library's request, `read_repeat` says whether it repeats
    what this library has sent already. What the outer library's sender, one of the program's own
    maybe, repeats is told by `read_part`: the object that stays the same of it.
    Where the program may refuse a response within the call, `read_refusal` finds it in what is
    raised, or None.
    """

    name = NAME
    metric = (
        "http.client.request.duration",
        "Duration of HTTP client requests.",
        DURATION_BOUNDARIES,
    )

    def __init__(
        self,
        read_request: Callable[[Any], HttpRequest | None],
        read_response: Callable[[Any], HttpResponse],
        write_headers: Callable[[Any, Mapping[str, str]], None],
        *,
        read_sender: Callable[[Any], str] | None = None,
        read_repeat: Callable[[Any], int] | None = None,
        read_part: Callable[[Any], object] | None = None,
        read_refusal: Callable[[Call, BaseException], object] | None = None,
        write_into: Callable[[Any, Mapping[str, str]], None] | None = None,
    ) -> None:
        self.read_request = read_request
        self.read_response = read_response
        self.write_headers = write_headers
        self.read_sender = read_sender
        self.read_repeat = read_repeat
        self.read_part = read_part
        self.read_refusal = read_refusal
        self.write_into = write_into or write_headers
        self._urls = Urls(EXCLUSION)

    def bind(self, library: str, layer: int) -> None:
        """Be known to those that hand requests on."""
        super().bind(library, layer)
        WRITERS[library] = self

    def begin(self, call: Call) -> Operation | None:
        """Start to record the request and propagate its context."""
        parent = get_current()
        if parent is not None and self.is_part(parent, call):
            return None
        operation = self.start(parent, call)
        if type(operation) is ClientOperation:
            operation.token = set_current(operation)  # as `enter` does
        elif operation is not None:
            operation.enter()
        return operation

    def is_part(self, parent: Node, call: Any) -> bool:
        """Tell whether the call is part of an outer library's request; do what is left to do here.

        As `is_suppressed` has it, without its frames: a request passes several layers.
        """
        if type(parent) is not ClientOperation:
            return is_suppressed(parent, self)
        token = parent.token
        # Without a mark this is a fork that skipped Python's hooks: a new operation sees to it.
        if token is None or parent.end or parent.convention.layer <= self.layer or not MARK[0]:
            return False
        try:
            reset_current(token)
        except (ValueError, RuntimeError):
            return False
        parent.token = set_current(parent)
        # Each repetition is one more than the outer one knows of.
        read_repeat, read_sender = self.read_repeat, self.read_sender
        if read_repeat is not None and read_repeat(call):
            self.count_resends(parent, 1)
        headers = parent.unwritten
        if headers is None:
            read_part = self.read_part
            if read_part is not None and is_sent_again(read_part(call), parent.span_id):
                self.count_resends(parent, 1)
        elif (
            read_sender is None
            or (writer := WRITERS.get(read_sender(call))) is None
            or writer.recorder.off
        ):
            self.write_into(call, headers)
        return True

    def start(self, parent: Node | None, call: Any) -> ClientOperation | Silence | None:  # noqa: C901
        """Describe the request, and send its context along to those who are to receive it.

        Nothing is recorded of one that is excluded. All is done here that most requests need, for
        each function that was called for it would take longer than what it does.
        """
        request = self.read_request(call)
        if request is None:
            return None
        method, text, headers, resends = request
        urls = self._urls
        url = urls.seen.young.get(text) or urls.get(text)
        if url.is_excluded:
            return Silence()
        origin = url.origin
        description = origin.descriptions.get(method) or self._describe(origin, method)
        operation = ClientOperation()
        operation.begin(self, parent, description)
        operation.url = url
        operation.unwritten = None
        if operation.sampled:
            operation.attributes = url.attributes
            if url.weight:
                operation.add_weight(url.weight)
            if resends:
                self.count_resends(operation, resends)
            if REQUEST_HEADERS.wanted:
                REQUEST_HEADERS.capture(operation, headers())
        read_sender = self.read_sender
        if not RECEIVERS.are_all:
            if not origin.receives(RECEIVERS):
                return operation
            read_sender = None  # what else happens within the call may go to somebody else
        if operation.trace_state or operation.values or "tracecontext" not in PROPAGATORS:
            sent = injected(operation)
        else:  # most often, and all that would be injected
            trace_id = operation.trace_id.to_bytes(16, "big").hex()
            span_id = operation.span_id.to_bytes(8, "big").hex()
            sent = {"traceparent": TRACEPARENT[operation.sampled] % (trace_id, span_id)}
        if (
            read_sender is not None
            and (writer := WRITERS.get(read_sender(call))) is not None
            and not writer.recorder.off
        ):
            operation.unwritten = sent
        elif sent:
            self.write_headers(call, sent)
        return operation

    def count_resends(self, operation: ClientOperation, count: int) -> None:
        """Say that so many more requests of the same purpose went before."""
        attributes: dict[str, Any] | None = operation.attributes
        if attributes is not None:
            key = "http.request.resend_count"
            # A dict of its own, for this one may be the URL's.
            operation.attributes = {**attributes, key: attributes.get(key, 0) + count}

    def detail(self, operation: ClientOperation, detail: Peer) -> None:
        """Add the peer that an inner layer knows."""
        if type(detail) is Peer:  # and nothing that would fail when it is encoded
            operation.peer = detail

    def finish(self, operation: ClientOperation, call: Any, result: object) -> None:  # noqa: ARG002
        """Record the response, which may come before the call is over."""
        status, version, headers, peer, resends = self.read_response(result)
        if type(peer) is Peer:  # as above
            operation.peer = peer
        if resends:
            self.count_resends(operation, resends)
        if RESPONSE_HEADERS.wanted and operation.attributes is not None:
            RESPONSE_HEADERS.capture(operation, headers())
        description = operation.description
        key = (status, version, "")
        operation.end_with(description.outcomes.get(key) or self._conclude(description, key))

    def fail(self, operation: ClientOperation, call: Call, error: BaseException) -> None:
        """Record that there is no response; a call that the program gave up is no error."""
        read_refusal = self.read_refusal
        if read_refusal is not None and (refused := read_refusal(call, error)) is not None:
            self.finish(operation, call, refused)
            return
        kind = ""
        if isinstance(error, Exception):
            kind = error_type(error)
            if operation.sampled:
                operation.add_failure(describe_failure(error, operation.url.secrets))
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


def injected(operation: ClientOperation) -> dict[str, str]:
    """Return the headers that carry the operation's context."""
    return inject(
        operation.trace_id,
        operation.span_id,
        operation.sampled,
        operation.trace_state,
        operation.baggage,
        PROPAGATORS,
    )
