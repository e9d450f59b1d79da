"""What holds for every HTTP client: spans, metric, propagation, redaction, and no trace of us."""

from __future__ import annotations

import pickle
import random
import socket
import ssl
from traceback import format_exception
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from contracts.instrumentor import InstrumentorContract, check_plain
from contracts.origin import Origin
from otel_run.engine import http_client
from otel_run.engine.exclusion import Exclusion
from otel_run.engine.headers import CapturedHeaders
from otel_run.engine.receivers import Receivers
from otel_run.engine.url import Urls
from otel_run.signals.context import CURRENT, Node
from otlp import spans_in
from recording import instrumentors, unpatch_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import trustme

    from otlp import Metric, Span
    from recording import Recording

TRACE_ID = 0x0AF7651916CD43DD8448EB211C80319C
SPAN_ID = 0xB7AD6B7169203331
MARKER = "hunter2marker"

BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


class HttpClientContract(InstrumentorContract):
    """Subclass it, name the library and give the call.

    `refusal` is the type of the exception for a refused connection, as `error.type` has it. With
    `tries_again` what was dropped is sent again within one call, and so within its span.
    `knows_peer_early`: whom it is connected to is known before TLS is.
    """

    refusal: ClassVar[str]
    tries_again: ClassVar[bool] = False
    knows_peer_early: ClassVar[bool] = False

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        """Send a request, and return status and body of the response."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _no_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", "*")

    @pytest.fixture
    def origin(self) -> Iterator[Origin]:
        """The server that is asked."""
        with Origin() as origin:
            yield origin

    @pytest.fixture
    def incoming(self) -> Iterator[Node]:
        """What is current: a sampled remote parent with tracestate and baggage."""
        node = Node(
            TRACE_ID,
            SPAN_ID,
            sampled=True,
            remote=True,
            trace_state="vendor=opaque",
            values={"baggage": {"tenant": ("blue", "")}},
        )
        token = CURRENT.set(node)
        yield node
        CURRENT.reset(token)

    def expected(self, origin: Origin, url: str, **more: Any) -> dict[str, Any]:
        """The attributes of a GET that was answered with 200, with some of them different."""
        attributes = {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "network.peer.address": origin.address,
            "network.peer.port": origin.port,
            "network.protocol.version": "1.1",
            "server.address": origin.address,
            "server.port": origin.port,
            "url.full": url,
        }
        for name, value in more.items():
            attributes[name.replace("__", ".")] = value
        return {name: value for name, value in attributes.items() if value is not None}

    def test_a_request_is_one_client_span(self, recording: Recording, origin: Origin) -> None:
        answer = self.request("GET", origin.url("/ok?q=1"))

        span = recording.span()
        assert answer == (200, b"ok")
        assert span.attributes == self.expected(origin, origin.url("/ok?q=1"))
        check_plain(span, self.library, "GET", "client")

    def test_the_span_is_what_the_server_sees_as_parent(
        self, recording: Recording, origin: Origin
    ) -> None:
        self.request("GET", origin.url())

        span = recording.span()
        [received] = origin.received
        assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]
        assert "tracestate" not in received.headers
        assert "baggage" not in received.headers

    def test_tracestate_and_baggage_go_along(
        self, recording: Recording, origin: Origin, incoming: Node
    ) -> None:
        self.request("GET", origin.url())

        span = recording.span()
        [received] = origin.received
        assert (span.trace_id, span.parent_id) == (f"{TRACE_ID:032x}", f"{SPAN_ID:016x}")
        assert span.trace_state == "vendor=opaque"
        assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]
        assert received.headers["tracestate"] == ["vendor=opaque"]
        assert received.headers["baggage"] == ["tenant=blue"]
        assert CURRENT.get() is incoming

    def test_what_the_program_passes_on_from_elsewhere_gives_way(
        self, recording: Recording, origin: Origin
    ) -> None:
        stale = f"00-{'1' * 32}-{'2' * 16}-01"
        self.request("GET", origin.url(), {"Traceparent": stale, "X-Other": "kept"})

        span = recording.span()
        [received] = origin.received
        assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]
        assert received.headers["x-other"] == ["kept"]

    def test_without_sampling_there_is_a_point_and_a_traceparent_that_says_so(
        self, recording: Recording, origin: Origin
    ) -> None:
        token = CURRENT.set(Node(TRACE_ID, SPAN_ID, sampled=False, remote=True))
        answer = self.request("GET", origin.url())
        CURRENT.reset(token)

        [received] = origin.received
        [traceparent] = received.headers["traceparent"]
        assert answer == (200, b"ok")
        assert traceparent.startswith(f"00-{TRACE_ID:032x}-")
        assert traceparent.endswith("-00")
        assert recording.spans() == []
        assert [point.count for point in duration(recording).points] == [1]

    @pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
    def test_an_error_status_is_an_error(
        self, recording: Recording, origin: Origin, status: int
    ) -> None:
        url = origin.url(f"/status/{status}")
        answer = self.request("GET", url)

        span = recording.span()
        assert answer == (status, b"ok")
        assert span.attributes == self.expected(
            origin, url, http__response__status_code=status, error__type=str(status)
        )
        assert (span.status, span.status_message, span.events) == ("error", "", [])

    def test_a_refused_connection_reaches_the_caller_as_it_is(
        self, recording: Recording, refusing: int
    ) -> None:
        url = f"http://127.0.0.1:{refusing}/"
        error = self.failure("GET", url)
        unpatch_all()
        usual = self.failure("GET", url)

        span = recording.span()
        [event] = span.events
        assert [*map(type, chain(error))] == [*map(type, chain(usual))]
        assert (type(error.__cause__), error.__suppress_context__) == (
            type(usual.__cause__),
            usual.__suppress_context__,
        )
        assert len(error.args) == len(usual.args)
        assert is_pickled(error) == is_pickled(usual)
        assert span.attributes == {
            "error.type": self.refusal,
            "http.request.method": "GET",
            "server.address": "127.0.0.1",
            "server.port": int(url.split(":")[2].strip("/")),
            "url.full": url,
        }
        assert (span.name, span.status) == ("GET", "error")
        assert span.status_message == event.attributes["exception.message"]
        assert event.name == "exception"
        assert span.start <= event.time
        assert sorted(event.attributes) == [
            "exception.message",
            "exception.stacktrace",
            "exception.type",
        ]
        assert event.attributes["exception.type"] == self.refusal
        assert event.attributes["exception.message"] in map(str, chain(error))
        stack = event.attributes["exception.stacktrace"]
        shown = "".join(format_exception(error))
        assert "Traceback (most recent call last):" in stack
        assert ("ConnectionRefusedError" in stack) == ("ConnectionRefusedError" in shown)

    @pytest.mark.parametrize("how", ["/drop", "/abort"])
    def test_a_dropped_connection_is_an_error_without_a_status_code(
        self, recording: Recording, origin: Origin, how: str
    ) -> None:
        error = self.failure("GET", origin.url(how))

        spans = recording.spans()
        assert len(spans) == (1 if self.tries_again else len(origin.received))
        for count, span in enumerate(spans):  # aiohttp tries again
            kind = span.attributes["error.type"]
            # urllib3 turns what leaves its span into one of its own.
            assert kind in map(full_name, chain(error))
            assert span.attributes == self.expected(
                origin,
                origin.url(how),
                http__request__resend_count=count or None,
                http__response__status_code=None,
                network__protocol__version=None,
                error__type=kind,
            )

    @pytest.mark.parametrize("speaks_tls", [True, False])
    def test_a_failed_handshake_is_an_error_with_the_peer(
        self,
        recording: Recording,
        authority: trustme.CA,
        speaks_tls: bool,  # noqa: FBT001
    ) -> None:
        self.patch()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(tls)
        with Origin(tls=tls if speaks_tls else None) as origin:
            url = f"https://localhost:{origin.port}/ok"
            error = self.failure("GET", url)

        spans = recording.spans()
        assert len(spans) == 1 or self.tries_again
        for span in spans:
            kind = span.attributes["error.type"]
            count = span.attributes.get("http.request.resend_count")
            assert kind in map(full_name, chain(error))
            assert span.attributes == self.expected(
                origin,
                url,
                error__type=kind,
                http__request__resend_count=count,
                http__response__status_code=None,
                network__peer__address="127.0.0.1" if self.knows_peer_early else None,
                network__peer__port=origin.port if self.knows_peer_early else None,
                network__protocol__version=None,
                server__address="localhost",
            )

    def test_a_timeout_is_an_error(self, recording: Recording, origin: Origin) -> None:
        error = self.failure("GET", origin.url("/hang"), timeout=0.3)

        span = recording.span()
        assert span.attributes == self.expected(
            origin,
            origin.url("/hang"),
            http__response__status_code=None,
            network__protocol__version=None,
            error__type=full_name(error),
        )
        assert span.status == "error"

    def test_secrets_in_the_url_do_not_leave(self, recording: Recording, origin: Origin) -> None:
        secret = f"token={MARKER}&x=1&X-Amz-Signature={MARKER};{MARKER}&to%6Ben={MARKER}"
        self.request("GET", origin.url(f"/ok?{secret}"))

        span = recording.span()
        redacted = "token=REDACTED&x=1&X-Amz-Signature=REDACTED&to%6Ben=REDACTED"
        assert span.attributes["url.full"] in {
            origin.url(f"/ok?{redacted}"),
            origin.url(f"/ok?{redacted.replace('%6B', 'k')}"),  # as requests writes it
        }
        assert origin.received[0].target.count(MARKER) == 4
        assert MARKER.encode() not in recording.exported()

    @pytest.mark.parametrize(
        "target",
        [
            "/?token={0}",
            "/?a=1&sig={0};{0}&b=1",
            "/?to%6Ben={0},{0}",
            "/path#access_token={0}",
            "/?user[password]={0}%20{0}",
        ],
    )
    @pytest.mark.parametrize("userinfo", ["", "user:{0}@", "{0}@", "us%65r:{0}%40{0}@"])
    def test_secrets_do_not_leave_with_an_exception_either(
        self, recording: Recording, refusing: int, target: str, userinfo: str
    ) -> None:
        url = f"http://{userinfo}127.0.0.1:{refusing}{target}".replace("{0}", MARKER)
        self.failure("GET", url)

        assert MARKER.encode() not in recording.exported()

    @pytest.mark.parametrize("password", ["{0}/{0}", "{0}?{0}", "{0}#{0}", "{0}@{0}", "{0}:{0}"])
    def test_a_password_that_should_have_been_quoted_does_not_leave(
        self, recording: Recording, refusing: int, password: str
    ) -> None:
        url = f"http://user:{password}@127.0.0.1:{refusing}/".replace("{0}", MARKER)
        self.failure("GET", url)

        assert MARKER.encode() not in recording.exported()

    def test_an_unknown_method_is_other(self, recording: Recording, origin: Origin) -> None:
        self.request("BREW", origin.url())

        span = recording.span()
        [point] = duration(recording).points
        assert origin.received[0].method == "BREW"
        assert span.name == "HTTP"
        assert span.attributes == self.expected(
            origin,
            origin.url(),
            http__request__method="_OTHER",
            http__request__method_original="BREW",
        )
        assert point.attributes["http.request.method"] == "_OTHER"
        assert "http.request.method_original" not in point.attributes

    def test_a_lower_case_method_is_known(self, recording: Recording, origin: Origin) -> None:
        self.request("get", origin.url())

        span = recording.span()
        sent = origin.received[0].method
        assert span.name == "GET"
        assert span.attributes == self.expected(
            origin,
            origin.url(),
            http__request__method_original=None if sent == "GET" else sent,
        )

    def test_durations_are_counted_by_what_requests_have_in_common(
        self, recording: Recording, origin: Origin, refusing: int
    ) -> None:
        for target in ("/ok?a=1", "/ok?a=2", "/status/503"):
            self.request("GET", origin.url(target))
        self.failure("GET", f"http://127.0.0.1:{refusing}/")

        metric = duration(recording)
        server = {"http.request.method": "GET", "server.address": "127.0.0.1"}
        answered = {**server, "server.port": origin.port, "network.protocol.version": "1.1"}
        assert (metric.unit, metric.kind, metric.cumulative) == ("s", "histogram", True)
        assert metric.description == "Duration of HTTP client requests."
        assert metric.scope == f"otel_run_instrumentors.{self.library}"
        # A port may have been that of another test, whose series come first.
        points = sorted(metric.points, key=lambda point: -len(point.attributes))
        assert [(point.attributes, point.count) for point in points] == [
            ({**answered, "http.response.status_code": 503, "error.type": "503"}, 1),
            ({**answered, "http.response.status_code": 200}, 2),
            ({**server, "server.port": refusing, "error.type": self.refusal}, 1),
        ]
        for point in metric.points:
            assert point.bounds == BOUNDARIES
            assert sum(point.buckets) == point.count
            assert 0 < (point.min or 0) <= (point.max or 0) <= point.sum
            assert point.start < point.time

    def test_ipv6_addresses_lose_their_brackets(self, recording: Recording) -> None:
        if not has_ipv6():
            pytest.skip("this machine has no ::1")
        with Origin("::1") as origin:
            self.request("GET", origin.url())

        span = recording.span()
        assert span.attributes == self.expected(origin, origin.url())

    @pytest.mark.usefixtures("incoming")
    def test_the_headers_that_the_program_passes_stay_its_own(
        self, recording: Recording, origin: Origin
    ) -> None:
        headers = {"X-Mine": "1"}
        self.request("GET", origin.url(), headers)
        self.request("GET", origin.url(), headers)

        assert headers == {"X-Mine": "1"}
        assert len(recording.spans()) == 2

    def test_a_url_in_a_query_is_not_taken_for_the_url(
        self, recording: Recording, origin: Origin
    ) -> None:
        url = origin.url("/ok?next=https://elsewhere.example/")
        self.request("GET", url)

        span = recording.span()
        # Old versions of httpx quote it.
        assert span.attributes == self.expected(origin, origin.url(origin.received[0].target))
        assert unquote(span.attributes["url.full"]) == url

    @pytest.mark.usefixtures("incoming")
    def test_without_propagators_the_server_sees_what_it_would_without_us(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        headers = {"Traceparent": "the program's own", "X-Mine": "1"}
        self.request("GET", origin.url(), headers)
        monkeypatch.setattr(http_client, "PROPAGATORS", ())
        self.request("GET", origin.url(), headers)
        unpatch_all()
        self.request("GET", origin.url(), headers)

        propagated, without, usual = (received.headers for received in origin.received)
        assert without == usual
        assert usual["traceparent"] == ["the program's own"]
        assert set(propagated) - set(usual) == {"tracestate", "baggage"}
        assert {name: propagated[name] for name in usual if name != "traceparent"} == {
            name: usual[name] for name in usual if name != "traceparent"
        }
        assert len(recording.spans()) == 2

    @pytest.mark.usefixtures("incoming")
    def test_context_goes_to_nobody_but_those_whom_a_setting_names(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.propagate_to(monkeypatch, f"{origin.address}:{origin.port}")
        self.request("GET", origin.url())
        self.propagate_to(monkeypatch, "*.example.com")
        self.request("GET", origin.url())

        named, unnamed = origin.received
        added = {"traceparent", "tracestate", "baggage"}
        assert added <= set(named.headers)
        assert not added & set(unnamed.headers)
        assert len(recording.spans()) == 2

    def test_an_excluded_url_leaves_nothing_and_no_context(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        exclusion = Exclusion(("internal",), frozenset())
        for instrumentor in instrumentors().values():
            if hasattr(instrumentor.convention, "_urls"):
                monkeypatch.setattr(instrumentor.convention, "_urls", Urls(exclusion))

        assert self.request("GET", origin.url("/internal/x?a=1"))[0] == 200
        assert recording.spans() == []
        assert recording.metrics() == []
        self.request("GET", origin.url("/x?back=internal"))
        assert recording.span().attributes["url.full"] == origin.url("/x?back=internal")
        assert ["traceparent" in received.headers for received in origin.received] == [False, True]

    def test_headers_that_a_setting_names_are_recorded(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for kind in ("request", "response"):
            captured = CapturedHeaders(("x-.*", "Content-Length", "cookie"), ("x-hidden",), kind)
            monkeypatch.setattr(http_client, f"{kind.upper()}_HEADERS", captured)
        headers = {"X-Mine": "1, 2", "X-Hidden": MARKER, "Cookie": MARKER}
        self.request("GET", origin.url(), headers)

        span = recording.span()
        assert span.attributes == {
            **self.expected(origin, origin.url()),
            "http.request.header.cookie": ["REDACTED"],
            "http.request.header.x-hidden": ["REDACTED"],
            "http.request.header.x-mine": ["1, 2"],
            "http.response.header.content-length": ["2"],
        }
        assert MARKER.encode() not in recording.exported()

    def test_what_is_recorded_of_one_request_is_not_of_the_next_to_the_same_url(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        captured = CapturedHeaders(("x-mine",), (), "request")
        monkeypatch.setattr(http_client, "REQUEST_HEADERS", captured)
        for headers in ({"X-Mine": "1"}, {}, {"X-Mine": "2"}):
            self.request("GET", origin.url(), headers)

        mine = "http.request.header.x-mine"
        expected = self.expected(origin, origin.url())
        assert [span.attributes for span in recording.spans()] == [
            {**expected, mine: ["1"]},
            expected,
            {**expected, mine: ["2"]},
        ]

    @pytest.mark.parametrize("reader", ["read_request", "read_response", "write_headers"])
    def test_a_mistake_of_ours_does_not_reach_the_caller(
        self,
        origin: Origin,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        reader: str,
    ) -> None:
        if reader == "write_headers":  # here, and not in a library that it is handed on to
            monkeypatch.setattr(self.instrumentor.convention, "read_sender", None)
        self.check_turned_off(monkeypatch, capfd, reader, lambda: self.request("GET", origin.url()))
        assert CURRENT.get() is None

    def test_garbage_instead_of_a_url_fails_as_it_would_without_us(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", numeric_only(socket.getaddrinfo))
        urls = list(garbage_urls(origin, 1000))
        recorded = [self.outcome(url) for url in urls]
        recording.spans()
        unpatch_all()
        usual = [self.outcome(url) for url in urls]

        assert recorded == usual
        assert CURRENT.get() is None

    def propagate_to(self, monkeypatch: pytest.MonkeyPatch, *patterns: str) -> None:
        """Send context to these hosts alone."""
        monkeypatch.setattr(http_client, "RECEIVERS", Receivers(patterns))
        monkeypatch.setattr(self.instrumentor.convention, "_urls", Urls())

    def failure(self, method: str, url: str, timeout: float = 20) -> Exception:
        """The exception of a request that fails."""
        return raised_by(lambda: self.request(method, url, timeout=timeout))

    def outcome(self, url: str) -> object:
        """What a request to a URL comes to."""
        try:
            return self.request("GET", url)
        except Exception as error:
            return type(error)


def is_pickled(error: Exception) -> bool:
    """Whether it survives a pickle."""
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)  # noqa: S301
    except Exception:
        return False


def raised_by(call: Callable[[], object]) -> Exception:
    """The exception that leaves the call."""
    try:
        result = call()
    except Exception as error:
        return error
    raise AssertionError(f"it returned {result!r}")


def duration(recording: Recording) -> Metric:
    """The one metric of HTTP clients."""
    [metric] = recording.metrics()
    assert metric.name == "http.client.request.duration"
    return metric


def unchecked(recording: Recording) -> list[Span]:
    """The spans, where the conventions recommend what a transport of the program's hides."""
    recording.exported()
    return [
        span
        for signal, payload in recording.memory.requests
        if signal == "traces"
        for span in spans_in(ExportTraceServiceRequest.FromString(payload))
    ]


def full_name(error: BaseException) -> str:
    """The name of its class, as `error.type` has it."""
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def chain(error: BaseException | None) -> list[BaseException]:
    """An exception and what it comes from."""
    found: list[BaseException] = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


def numeric_only(resolve: Any) -> Any:
    """A resolver that asks nobody."""

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        if host in {"127.0.0.1", b"127.0.0.1"}:
            return resolve(host, *arguments, **options)
        raise socket.gaierror(socket.EAI_NONAME, "nobody was asked")

    return getaddrinfo


def garbage_urls(origin: Origin, count: int) -> Iterator[str]:
    """URLs that no program should use, the same ones each time."""
    chance = random.Random(20)  # noqa: S311  the same on each run
    pieces = [
        *(
            "://",
            "/",
            "//",
            "?",
            "#",
            "@",
            ":",
            "[",
            "]",
            "%",
            "%zz",
            "=",
            "&",
            ";",
            " ",
            "\t",
            "\n",
        ),
        *("\x00", "\x7f", "é", "日本", "\ud800", "http", "https", "HTTP", "file", "..", "::1", "*"),
        *("user:pw@", "127.0.0.1", f":{origin.port}", ":99999", ":-1", ":0", "a", "token=x", "'"),
    ]
    begins = [origin.url(""), origin.url("/"), "http://127.0.0.1:1", "http://", "http:", ""]
    for _ in range(count):
        yield chance.choice(begins) + "".join(chance.choices(pieces, k=chance.randrange(9)))


def resends(spans: list[Span]) -> list[Any]:
    """How many requests went before each; None where nothing is said of it."""
    return [span.attributes.get("http.request.resend_count") for span in spans]


def hops(spans: list[Span]) -> list[tuple[str, Any, str]]:
    """Target, status and parent of each request of a redirect."""
    return [
        (
            span.attributes["url.full"].rpartition(":")[2].partition("/")[2],
            span.attributes["http.response.status_code"],
            span.parent_id,
        )
        for span in spans
    ]
