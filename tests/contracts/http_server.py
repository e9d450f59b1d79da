"""What holds for every server and framework, and what for those that speak WSGI."""

from __future__ import annotations

import re
import sys
import threading
from io import BytesIO
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any, ClassVar
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest

from contracts.instrumentor import InstrumentorContract, check_plain
from contracts.wire import AGENT, Wire, answer_to, request_bytes, without_date
from otel_run.engine.exclusion import Exclusion
from otel_run.engine.headers import CapturedHeaders
from otel_run.signals.context import CURRENT, EXCLUDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from otlp import Metric
    from recording import Recording

    Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
MARKER = "hunter2marker"
BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


@pytest.mark.usefixtures("capfd")  # servers write what becomes of their applications
class ServerContract(InstrumentorContract):
    """What holds whatever servers and applications speak; these are of WSGI.

    Subclass it, name the library, and serve an application.

    `knows_peer_port` is whether the server tells applications the client's port.
    """

    knows_peer_port: ClassVar[bool]

    def serve(
        self, application: Application, *, threaded: bool = True
    ) -> AbstractContextManager[tuple[str, int]]:
        """Serve each request in a thread of its own, or all in one; none is left at the end."""
        raise NotImplementedError

    def ask(self, application: Application, request: bytes) -> bytes:
        """Serve one request; whatever the server records is recorded by the time this returns."""
        with self.serve(application) as address:
            return answer_to(address, request)

    @property
    def kinds(self) -> Sequence[Any]:
        """An application of each kind that there is."""
        raise NotImplementedError

    def answers(self, application: Any, requests: list[bytes]) -> list[bytes]:
        """What is answered to each request."""
        return [without_date(self.ask(application, request)) for request in requests]

    def expected(self, port: int, **more: Any) -> dict[str, Any]:
        """The attributes of a GET of / that was answered with 200, with some of them different."""
        attributes = {
            "client.address": "127.0.0.1",
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "network.peer.address": "127.0.0.1",
            "network.peer.port": port if self.knows_peer_port else None,
            "network.protocol.version": "1.1",
            "server.address": "shop.example",
            "server.port": 8080,
            "url.path": "/",
            "url.scheme": "http",
            "user_agent.original": AGENT,
        }
        for name, value in more.items():
            attributes[name.replace("__", ".")] = value
        return {name: value for name, value in attributes.items() if value is not None}

    def test_a_request_is_one_server_span(self, recording: Recording) -> None:
        target = f"/caf%C3%A9%20x/%25?a=1&token={MARKER}&b=%20"
        with self.serve(hello) as address, Wire(address) as wire:
            wire.send(request_bytes(target))
            port = wire.port
            answer = wire.rest()

        span = recording.span()
        assert answer.endswith(b"\r\n\r\nhello")
        assert span.attributes == self.expected(
            port, url__path="/caf%C3%A9%20x/%25", url__query="a=1&token=REDACTED&b=%20"
        )
        check_plain(span, self.library, "GET", "server")
        assert MARKER.encode() not in recording.exported()

    def test_a_remote_parent_is_continued(self, recording: Recording) -> None:
        seen: list[Any] = []

        def application(environ: Any, start_response: Any) -> list[bytes]:
            node = CURRENT.get()
            assert node is not None
            seen.append(node.baggage)
            return hello(environ, start_response)

        self.ask(
            application,
            request_bytes(
                traceparent=TRACEPARENT, tracestate="vendor=opaque", baggage="tenant=blue"
            ),
        )

        span = recording.span()
        assert (span.trace_id, span.parent_id) == (TRACE_ID, SPAN_ID)
        assert span.trace_state == "vendor=opaque"
        assert span.flags & 0x300 == 0x300  # the parent is known to be remote
        assert seen == [{"tenant": ("blue", "")}]

    @pytest.mark.parametrize(
        "traceparent",
        ["garbage", TRACEPARENT.upper(), f"00-{'0' * 32}-{SPAN_ID}-01", f"{TRACEPARENT}-x"],
    )
    def test_an_invalid_traceparent_begins_a_new_trace(
        self, recording: Recording, traceparent: str
    ) -> None:
        self.ask(hello, request_bytes(traceparent=traceparent, tracestate="vendor=opaque"))

        span = recording.span()
        assert span.parent_id == ""
        assert span.trace_id != TRACE_ID
        assert span.trace_state == ""

    def test_a_parent_that_is_not_sampled_has_no_span_but_a_point(
        self, recording: Recording
    ) -> None:
        self.ask(hello, request_bytes(traceparent=f"{TRACEPARENT[:-1]}0"))

        assert recording.spans() == []
        assert [point.count for point in duration(recording).points] == [1]

    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            (
                {"forwarded": 'for="[2001:db8::1]:4711";proto=https;host=h.example:99, for=x'},
                {
                    "client.address": "2001:db8::1",
                    "server.address": "h.example",
                    "server.port": 99,
                    "url.scheme": "https",
                },
            ),
            (
                {
                    "x-forwarded-for": "203.0.113.9, 10.0.0.1",
                    "x-forwarded-proto": "https",
                    "x-forwarded-host": "h.example",
                },
                {
                    "client.address": "203.0.113.9",
                    "server.address": "h.example",
                    "server.port": 443,
                    "url.scheme": "https",
                },
            ),
            ({"x-forwarded-proto": "javascript"}, {}),
            ({"x-forwarded-proto": "https" + "s" * 10_000}, {}),
            ({"x-forwarded-for": "a" * 10_000}, {}),
            ({"x-forwarded-host": "a" * 10_000}, {}),
            ({"x-forwarded-host": "a\x1b[31mb", "x-forwarded-for": "1.2\x7f.3.4"}, {}),
            ({"x-forwarded-host": "user:secret@h.example"}, {}),
            ({"x-forwarded-for": "unknown"}, {}),
            ({"forwarded": "for=_hidden;proto=gopher;host=\xe9"}, {}),
            ({"forwarded": ";;;=;for;proto=,,"}, {}),
        ],
    )
    def test_proxies_are_believed_what_they_can_know_and_hostile_ones_nothing(
        self, recording: Recording, headers: dict[str, str], expected: dict[str, Any]
    ) -> None:
        with self.serve(hello) as address, Wire(address) as wire:
            wire.send(request_bytes(**headers))
            port = wire.port
            answer = wire.rest()

        if b" 400 " in answer.splitlines()[0]:  # some servers look themselves
            assert recording.spans() == []
            return
        point = duration(recording).points[0]
        assert recording.span().attributes == {**self.expected(port), **expected}
        assert point.attributes == {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "network.protocol.version": "1.1",
            "url.scheme": expected.get("url.scheme", "http"),
        }

    @pytest.mark.parametrize("host", ["a b", "a" * 300, "\x1b[31m", "h\xe9", "u:p@h.example"])
    def test_a_host_that_cannot_be_one_is_ignored(self, recording: Recording, host: str) -> None:
        answer = self.ask(hello, request_bytes(host=host))

        if b" 200 " in answer.splitlines()[0]:  # some servers look themselves
            assert "server.address" not in recording.span().attributes

    def test_an_unknown_method_is_other(self, recording: Recording) -> None:
        with self.serve(hello) as address, Wire(address) as wire:
            wire.send(request_bytes(method="BREW"))
            port = wire.port
            wire.rest()

        span = recording.span()
        [point] = duration(recording).points
        assert span.name == "HTTP"
        assert span.attributes == self.expected(
            port, http__request__method="_OTHER", http__request__method_original="BREW"
        )
        assert point.attributes["http.request.method"] == "_OTHER"
        assert "http.request.method_original" not in point.attributes

    @pytest.mark.parametrize(
        ("status", "error"), [(204, None), (302, None), (404, None), (499, None), (503, "503")]
    )
    def test_only_the_server_s_own_faults_are_errors(
        self, recording: Recording, status: int, error: str | None
    ) -> None:
        def application(_: Any, start_response: Any) -> list[bytes]:
            start_response(f"{status} Reason", [("Content-Length", "0")])
            return []

        with self.serve(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            port = wire.port
            wire.rest()

        span = recording.span()
        assert span.attributes == self.expected(
            port,
            http__response__status_code=status,
            error__type=error,
        )
        assert span.status == ("error" if error else "unset")
        assert (span.name, span.events) == ("GET", [])

    def test_an_exception_that_leaves_the_application_is_an_error_and_an_event(
        self, recording: Recording
    ) -> None:
        def application(_: Any, __: Any) -> list[bytes]:
            raise Unhandled(f"with token={MARKER}")

        with self.serve(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            port = wire.port
            answer = wire.rest()

        span = recording.span()
        [event] = span.events
        name = f"{Unhandled.__module__}.Unhandled"
        assert b" 500 " in answer.splitlines()[0]
        assert span.attributes == self.expected(
            port, http__response__status_code=500, error__type=name
        )
        assert (span.status, span.status_message) == ("error", "with token=REDACTED")
        assert (event.name, event.attributes["exception.type"]) == ("exception", name)
        assert event.attributes["exception.message"] == "with token=REDACTED"
        stack = event.attributes["exception.stacktrace"]
        assert stack.startswith("Traceback (most recent call last):\n")
        assert stack.endswith(f"{name}: with token=REDACTED\n")
        assert "application\n" in stack
        assert MARKER.encode() not in recording.exported()

    def test_a_streamed_body_ends_the_span_with_its_last_byte(self, recording: Recording) -> None:
        go_on = threading.Event()
        traces: list[int] = []

        def application(_: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            yield b"one"
            go_on.wait(20)
            node = CURRENT.get()
            assert node is not None
            traces.append(node.trace_id)
            yield b"two"

        with self.serve(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            wire.until(b"one")
            before = recording.spans()
            meanwhile = time_ns()
            go_on.set()
            answer = wire.rest()

        span = recording.span()
        assert before == []
        assert b"two" in answer
        assert span.end > meanwhile
        assert f"{traces[0]:032x}" == span.trace_id

    def test_an_exception_within_the_body_is_an_error_with_the_status_that_was_sent(
        self, recording: Recording
    ) -> None:
        def application(_: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            yield b"one"
            raise Unhandled("in the middle")

        with self.serve(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            port = wire.port
            wire.rest()

        span = recording.span()
        assert span.attributes == self.expected(
            port, error__type=f"{Unhandled.__module__}.Unhandled"
        )
        assert [event.attributes["exception.message"] for event in span.events] == ["in the middle"]

    def test_requests_that_are_being_served_are_counted(self, recording: Recording) -> None:
        go_on = threading.Event()

        def application(_: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            yield b"one"
            go_on.wait(20)

        with self.serve(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            wire.until(b"one")
            meanwhile = active(recording)
            go_on.set()
            wire.rest()

        common = {"http.request.method": "GET", "url.scheme": "http"}
        afterwards = active(recording)
        assert [(point.attributes, point.value) for point in meanwhile.points] == [(common, 1)]
        assert [(point.attributes, point.value) for point in afterwards.points] == [(common, 0)]
        assert (afterwards.unit, afterwards.cumulative) == ("{request}", True)

    def test_an_excluded_request_leaves_nothing_and_nor_does_what_it_leads_to(
        self, recording: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        exclusion = Exclusion(("^/internal/", "shop.example:8080/probe$"), frozenset({"/healthz"}))
        monkeypatch.setattr("otel_run.engine.http_server.EXCLUSION", exclusion)
        current: list[object] = []

        def application(_: Any, start_response: Any) -> list[bytes]:
            current.append(CURRENT.get())
            return hello(_, start_response)

        for target in ("/healthz", "/healthz?verbose", "/internal/x", "/probe"):
            assert b" 200 " in self.ask(application, request_bytes(target)).splitlines()[0]
        assert recording.spans() == []
        assert recording.metrics() == []
        assert current == [EXCLUDED] * 4

        for target in ("/healthz/more", "/x/internal/", "/probes"):
            self.ask(hello, request_bytes(target))
        assert [span.attributes["url.path"] for span in recording.spans()] == [
            "/healthz/more",
            "/x/internal/",
            "/probes",
        ]

    def test_headers_are_recorded_where_settings_name_them_and_secrets_never(
        self, recording: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = "otel_run.engine.http_server"
        for kind in ("request", "response"):
            captured = CapturedHeaders(("x-.*", "Content-Language", "cookie"), ("x-sesame",), kind)
            monkeypatch.setattr(f"{engine}.{kind.upper()}_HEADERS", captured)

        def application(_: Any, start_response: Any) -> list[bytes]:
            headers = [("X-Answer", "1"), ("X-Answer", "2"), ("Content-Language", "en")]
            start_response("200 OK", [*headers, ("Set-Cookie", MARKER), ("X-Api-Key", MARKER)])
            return [b"hello"]

        with self.serve(application) as address, Wire(address) as wire:
            secrets = {"x-sesame": MARKER, "cookie": MARKER, "authorization": MARKER}
            wire.send(request_bytes(**{"x-dashed-name": "a, b", "accept": "*/*"}, **secrets))
            port = wire.port
            wire.rest()

        assert recording.span().attributes == {
            **self.expected(port),
            "http.request.header.cookie": ["REDACTED"],
            "http.request.header.x-dashed-name": ["a, b"],
            "http.request.header.x-sesame": ["REDACTED"],
            "http.response.header.content-language": ["en"],
            "http.response.header.x-answer": ["1", "2"],
            "http.response.header.x-api-key": ["REDACTED"],
        }
        assert MARKER.encode() not in recording.exported()

    def test_what_proxies_say_is_ignored_where_a_setting_says_so(
        self, recording: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("otel_run.engine.http_server.TRUST_FORWARDED", False)
        with self.serve(hello) as address, Wire(address) as wire:
            wire.send(request_bytes(forwarded="for=203.0.113.9;proto=https;host=h.example"))
            port = wire.port
            wire.rest()

        assert recording.span().attributes == self.expected(port)

    def test_a_context_does_not_outlive_its_request(self, recording: Recording) -> None:
        left: list[Any] = []
        kinds = {"/hello": hello, "/streaming": streaming, "/raising": raising}

        def application(environ: Any, start_response: Any) -> Any:
            if environ["PATH_INFO"] in kinds:
                return kinds[environ["PATH_INFO"]](environ, start_response)
            node: Any = CURRENT.get()
            left.append((node.parent_id, node.baggage))
            return hello(environ, start_response)

        with self.serve(application, threaded=False) as address:
            for kind in kinds:
                answer_to(
                    address, request_bytes(kind, traceparent=TRACEPARENT, baggage="tenant=blue")
                )
                answer_to(address, request_bytes())

        spans = recording.spans()
        assert left == [(0, None)] * 3
        assert [span.parent_id for span in spans] == [SPAN_ID, ""] * 3
        assert len({span.trace_id for span in spans}) == 4

    @pytest.mark.parametrize("is_streamed", [False, True])
    def test_requests_that_a_client_sends_ahead_do_not_see_each_other(
        self,
        recording: Recording,
        is_streamed: bool,  # noqa: FBT001
    ) -> None:
        application = streaming if is_streamed else hello
        ahead = [request_bytes(target, connection="keep-alive") for target in ("/1", "/2")]
        with self.serve(application, threaded=False) as address, Wire(address) as wire:
            wire.send(b"".join([*ahead, request_bytes("/3")]))
            # Some servers close the connection after the first.
            answers = len(re.findall(rb"HTTP/1.[01] 200", wire.rest()))

        spans = recording.spans()
        assert len(spans) == answers > 0
        assert {span.parent_id for span in spans} == {""}
        assert len({span.trace_id for span in spans}) == len(spans)

    @pytest.mark.parametrize(
        ("target", "path"),
        [
            (f"http://user:{MARKER}@elsewhere.example/path?q=1", "/path"),
            ("http://elsewhere.example/?q=1", "/"),
            ("http://elsewhere.example:80/a/http://b?q=1", "/a/http://b"),
        ],
    )
    def test_a_request_as_proxies_get_them_has_its_path_alone(
        self, recording: Recording, target: str, path: str
    ) -> None:
        answer = self.ask(hello, request_bytes(target))

        if b" 200 " in answer.splitlines()[0]:  # some servers want no userinfo
            span = recording.span()
            assert (span.attributes["url.path"], span.attributes["url.query"]) == (path, "q=1")
        assert MARKER.encode() not in recording.exported()

    def test_threads_do_not_see_each_other_s_requests(self, recording: Recording) -> None:
        together = threading.Barrier(4, timeout=20)

        def application(_: Any, start_response: Any) -> list[bytes]:
            together.wait()
            node = CURRENT.get()
            assert node is not None
            start_response("200 OK", [("Content-Length", "32")])
            return [f"{node.trace_id:032x}".encode()]

        answers: list[str] = []
        with self.serve(application) as address:
            threads = [
                threading.Thread(
                    target=lambda: answers.append(
                        answer_to(address, request_bytes()).decode().rpartition("\n")[2]
                    )
                )
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        spans = recording.spans()
        assert sorted(answers) == sorted(span.trace_id for span in spans)
        assert len(set(answers)) == 4
        assert {span.parent_id for span in spans} == {""}

    def test_durations_are_counted_by_what_requests_have_in_common(
        self, recording: Recording
    ) -> None:
        def application(environ: Any, start_response: Any) -> list[bytes]:
            if environ["PATH_INFO"] == "/fail":
                raise Unhandled
            return hello(environ, start_response)

        with self.serve(application) as address:
            for target in ("/1?a", "/2?b", "/fail"):
                answer_to(address, request_bytes(target))

        metric = duration(recording)
        usual = {
            "http.request.method": "GET",
            "network.protocol.version": "1.1",
            "url.scheme": "http",
        }
        name = f"{Unhandled.__module__}.Unhandled"
        assert (metric.unit, metric.kind, metric.cumulative) == ("s", "histogram", True)
        assert metric.description == "Duration of HTTP server requests."
        assert metric.scope == f"otel_run_instrumentors.{self.library}"
        assert counts(metric) == [
            ({**usual, "http.response.status_code": 200}, 2),
            ({**usual, "http.response.status_code": 500, "error.type": name}, 1),
        ]
        for point in metric.points:
            assert point.bounds == BOUNDARIES
            assert sum(point.buckets) == point.count
            assert 0 < (point.min or 0) <= (point.max or 0) <= point.sum
            assert point.start < point.time

    @pytest.mark.parametrize("reader", ["read_request", "observe"])
    def test_a_mistake_of_ours_does_not_reach_the_client(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        reader: str,
    ) -> None:
        def ask() -> bytes:
            return without_date(self.ask(streaming, request_bytes()))

        self.check_turned_off(monkeypatch, capfd, reader, ask)
        assert CURRENT.get() is None

    def test_applications_of_every_kind_send_the_same_bytes_with_and_without_us(
        self, recording: Recording
    ) -> None:
        requests = [
            request_bytes("/a%20b?c=d"),
            request_bytes(method="HEAD"),
            request_bytes(method="POST", content="body"),
            request_bytes(traceparent=TRACEPARENT, forwarded="for=x;proto=https"),
        ]
        for application in self.kinds:
            with_us, without_us = (self.answers(application, requests) for _ in each_way(self))

            assert with_us == without_us

        assert len(recording.spans()) == len(self.kinds) * len(requests)

    def test_whatever_is_asked_for_is_answered_with_the_same_bytes_with_and_without_us(
        self, recording: Recording
    ) -> None:
        answers = []
        for _ in each_way(self):
            with self.serve(echoing) as address:
                answers.append([without_date(answer_to(address, one)) for one in UNUSUAL])

        assert answers[0] == answers[1]
        assert b"/first" in recording.exported()


class HttpServerContract(ServerContract):
    """What holds for all that speak WSGI: subclass it, and say what a server gets."""

    @property
    def kinds(self) -> Sequence[Application]:
        return APPLICATIONS

    def result_of(self, application: Application, environ: dict[str, Any]) -> object:
        """What the server gets from an application."""
        raise NotImplementedError

    @pytest.mark.parametrize("way", ["passed", "passed by name", "handled"])
    @pytest.mark.parametrize(("status", "failed"), [(500, True), (503, True), (422, False)])
    def test_an_exception_that_the_application_answers_itself_is_recorded_with_a_5xx(
        self,
        recording: Recording,
        status: int,
        failed: bool,  # noqa: FBT001
        way: str,
    ) -> None:
        def application(_: Any, start_response: Any) -> list[bytes]:
            try:
                fail_within("taken")
            except Unhandled:
                caught = [sys.exc_info()]
                if way == "handled":
                    start_response(f"{status} Sorry", [("Content-Length", "0")])
            if way == "passed":
                start_response(f"{status} Sorry", [("Content-Length", "0")], caught.pop())
            elif way == "passed by name":
                start_response(f"{status} Sorry", [("Content-Length", "0")], exc_info=caught.pop())
            caught.clear()
            return []

        answer = self.ask(application, request_bytes())

        span = recording.span()
        assert f" {status} ".encode() in answer.splitlines()[0]
        assert span.attributes["http.response.status_code"] == status
        assert [event.name for event in span.events] == ["exception"] * failed
        assert span.attributes.get("error.type") == (
            f"{Unhandled.__module__}.Unhandled" if failed else None
        )

    @pytest.mark.parametrize("is_streamed", [True, False])
    def test_an_exception_before_the_first_byte_is_a_500_whatever_was_to_be_sent(
        self,
        recording: Recording,
        is_streamed: bool,  # noqa: FBT001
    ) -> None:
        def stream() -> Iterator[bytes]:
            fail_within("too early")
            yield b"never"

        def application(_: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            body = stream()
            if not is_streamed:
                next(body)
            return body

        with self.serve(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            port = wire.port
            answer = wire.rest()

        assert b" 500 " in answer.splitlines()[0]
        assert recording.span().attributes == self.expected(
            port,
            error__type=f"{Unhandled.__module__}.Unhandled",
            http__response__status_code=500,
        )

    def test_a_body_is_closed_once(self, recording: Recording) -> None:
        body = Body([b"one", b"two"])
        answer = self.ask(answering(body), request_bytes())

        assert b"one" in answer
        assert b"two" in answer
        assert body.closed == 1
        assert recording.span().status == "unset"

    def test_a_body_that_cannot_be_closed_is_left_alone(self, recording: Recording) -> None:
        answer = self.ask(answering(iter([b"one", b"two"])), request_bytes())

        assert b"two" in answer
        assert recording.span().status == "unset"

    def test_a_client_that_hangs_up_ends_the_span(self, recording: Recording) -> None:
        ended = threading.Event()

        def application(_: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            try:
                while True:
                    yield b"x" * 65536
            finally:
                ended.set()

        with self.serve(application) as address:
            with Wire(address) as wire:
                wire.send(request_bytes())
                wire.until(b"xxx")
            assert ended.wait(20)

        span = recording.span()
        assert (span.status, span.attributes["http.response.status_code"]) == ("unset", 200)

    def test_a_client_that_hangs_up_while_it_is_written_to_is_no_error(
        self, recording: Recording
    ) -> None:
        ended = threading.Event()

        def application(_: Any, start_response: Any) -> list[bytes]:
            write = start_response("200 OK", [("Content-Type", "text/plain")])
            try:
                while True:
                    write(b"x" * 65536)
            finally:
                ended.set()

        with self.serve(application) as address:
            with Wire(address) as wire:
                wire.send(request_bytes())
                wire.until(b"xxx")
            assert ended.wait(20)

        span = recording.span()
        assert (span.status, span.attributes["http.response.status_code"]) == ("unset", 200)
        assert span.events == []

    def test_a_connection_of_the_application_s_own_that_breaks_is_an_error(
        self, recording: Recording
    ) -> None:
        def application(_: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            raise ConnectionResetError

        self.ask(application, request_bytes())

        assert recording.span().attributes["error.type"] == "ConnectionResetError"

    def test_what_is_whole_is_returned_as_it_is(self, recording: Recording) -> None:
        environ = minimal_environ()
        environ["wsgi.file_wrapper"] = FileWrapper
        for whole in ([b"hello"], (b"hello",), FileWrapper(BytesIO(b"hello"))):
            assert self.result_of(answering(whole), environ) is whole

        spans = recording.spans()
        assert [span.attributes["http.response.status_code"] for span in spans] == [200] * 3

    def test_the_last_start_response_tells_the_status(self, recording: Recording) -> None:
        answer = self.ask(changing_its_mind, request_bytes())

        span = recording.span()
        assert b" 503 " in answer.splitlines()[0]
        assert span.attributes["http.response.status_code"] == 503
        assert span.attributes["error.type"] == f"{Unhandled.__module__}.Unhandled"


def fail_within(message: str) -> None:
    """Raise what the caller takes."""
    raise Unhandled(message)


def request_lines(*lines: str, body: str = "") -> bytes:
    """A request as it is on the wire, of HTTP/1.1 unless the first line says otherwise."""
    first = lines[0] if "HTTP/" in lines[0] else f"{lines[0]} HTTP/1.1"
    closing = ("Host: shop.example", "Connection: close")
    return "\r\n".join([first, *closing, *lines[1:], "", body]).encode("latin-1")


UNUSUAL = [
    request_lines("GET /first HTTP/1.0"),
    b"GET / HTTP/1.0\r\n\r\n",
    request_lines("GET / HTTP/9.9"),
    request_lines("OPTIONS *"),
    request_lines("GET http://elsewhere.example/path?q=1"),
    request_lines("GET //a//b/../c;d=e?%zz&=#f"),
    request_lines("GET /caf%C3%A9/%2F%25%00/%ff%fe"),
    request_lines("GET /caf\xe9"),
    request_lines(f"GET /{'a' * 3000}?{'q=1&' * 700}"),
    request_lines("BREW /pot"),
    request_lines("get /lower"),
    request_lines("POST /", "Content-Length: 4", "Expect: 100-continue", body="body"),
    request_lines("POST /", "Transfer-Encoding: chunked", body="3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"),
    request_lines("PUT /", "Content-Length: 0"),
    request_lines("GET /", "X-Twice: 1", "X-Twice: 2", "Cookie: a=1", "Cookie: b=2"),
    request_lines("GET /", f"traceparent: {TRACEPARENT}", "traceparent: 00-1-2-3"),
    request_lines("GET /", "baggage: a=1", "baggage: ,,=", "tracestate: \xff=\xfe"),
    request_lines("GET /", 'Forwarded: for="_x";proto=gopher', "X-Forwarded-For: \xff, y"),
    b"GET\r\n\r\n",
    b"\x00\xff\r\n\r\n",
]


class Unhandled(Exception):  # noqa: N818  it is no error of ours
    """Nobody takes it."""


class Body:
    """An iterable with a close that counts."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)

    def close(self) -> None:
        """Count."""
        self.closed += 1


def hello(_: Any, start_response: Any) -> list[bytes]:
    """The plainest application."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def streaming(_: Any, start_response: Any) -> Iterator[bytes]:
    """An application that is a generator."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"one"
    yield b""
    yield b"two"


def answering(result: Any) -> Application:
    """An application that returns what it was made with."""

    def application(_: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return result

    return application


def echoing(environ: Any, start_response: Any) -> list[bytes]:
    """An application that reads its request."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    keys = sorted(key for key in environ if key.isupper() and key not in CHANCE)
    start_response("200 OK", [("X-Keys", ",".join(keys))])
    return [repr([environ[key] for key in keys if key.startswith("HTTP")]).encode(), body]


# What differs from one run to the next, or with the environment of the process.
CHANCE = {"REMOTE_PORT", "SERVER_PORT"}


def writing(_: Any, start_response: Any) -> list[bytes]:
    """An application that uses the callable `write`."""
    write = start_response("201 Created", [("Content-Type", "text/plain")])
    write(b"written, ")
    return [b"returned"]


def changing_its_mind(_: Any, start_response: Any) -> list[bytes]:
    """An application that fails after it has said that it would not."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        raising(_, start_response)
    except Unhandled:
        start_response("503 Sorry", [("Content-Type", "text/plain")], sys.exc_info())
    return [b"sorry"]


def from_a_file(environ: Any, start_response: Any) -> Any:
    """An application that leaves the reading to the server."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return environ.get("wsgi.file_wrapper", FileWrapper)(BytesIO(b"file" * 5000), 4096)


def from_a_real_file(environ: Any, start_response: Any) -> Any:
    """An application that has the system send what is left of a file."""
    file = Path(__file__).open("rb")  # noqa: SIM115  the server closes it
    file.seek(100)
    start_response("200 OK", [("Content-Length", "5000")])
    return environ.get("wsgi.file_wrapper", FileWrapper)(file, 1024)


def raising(_: Any, __: Any) -> list[bytes]:
    """An application that fails."""
    raise Unhandled


class AsClass:
    """An application that is a class; its instances are the bodies."""

    def __init__(self, _: Any, start_response: Any) -> None:
        self.start_response = start_response

    def __iter__(self) -> Iterator[bytes]:
        self.start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"late"


class AsObject:
    """An application that is an object."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return streaming(environ, start_response)


APPLICATIONS: list[Application] = [
    hello,
    streaming,
    answering([]),
    answering((b"a", b"b")),
    answering(Body([b"a", b"b"])),
    echoing,
    writing,
    changing_its_mind,
    from_a_file,
    from_a_real_file,
    raising,
    AsClass,
    AsObject(),
]


def each_way(contract: InstrumentorContract) -> Iterator[None]:
    """Go on with us, then without, then with us again for what comes next."""
    contract.patch()
    yield
    contract.instrumentor.unpatch()
    yield
    contract.patch()


def minimal_environ() -> dict[str, Any]:
    """What PEP 3333 requires, and who asks."""
    environ: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "4711"}
    environ["wsgi.errors"] = sys.stderr
    setup_testing_defaults(environ)
    return environ


def counts(metric: Metric) -> list[tuple[dict[str, Any], int]]:
    """What each series counts, by status code."""
    found = [(point.attributes, point.count) for point in metric.points]
    return sorted(found, key=lambda series: series[0]["http.response.status_code"])


def ignoring(*_: Any) -> Callable[[bytes], object]:
    """A start_response that nobody listens to."""
    return bytes


def duration(recording: Recording) -> Metric:
    """How long requests took."""
    return named(recording, "http.server.request.duration")


def active(recording: Recording) -> Metric:
    """How many requests are being served."""
    return named(recording, "http.server.active_requests")


def named(recording: Recording, name: str) -> Metric:
    """The one metric of this name."""
    [metric] = [metric for metric in recording.metrics() if metric.name == name]
    return metric
